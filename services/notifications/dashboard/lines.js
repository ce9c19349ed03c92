// The lines of the list: what follows from what is known of a subject, and from what is open about it.

import { matter, pageOf } from "./facts.js";
import { state } from "./state.js";
import { freshness, moment } from "./time.js";

/** @import { Line, Matter, Row, Seen } from "../dashboard.d.ts" */

const OVER = new Set(["delivered", "ended", "cancelled"]);
const UNSEEN = new Set(["planned", "postponed", "unknown"]);

/**
 * Each subject with where it is, what is open, and how old its news is; also those of which only a trouble is known.
 * @returns {Line[]}
 */
export function lines() {
  const open = mattersBySubject();
  const now = state.clock.now();
  return [...state.rows.values(), ...strangers()].map((row) => line(row, open, now));
}

/**
 * The line of one subject.
 * @param {string} subject
 */
export function lineOf(subject) {
  const row = state.rows.get(subject) ?? strangers().find((one) => one.subject === subject);
  return row ? line(row, mattersBySubject(), state.clock.now()) : null;
}

/**
 * Rows for what is open on subjects that the list does not have: a report that counts for nothing yet, say.
 * @returns {Row[]}
 */
export function strangers() {
  const open = state.attention.map(pageOf).filter((key) => key !== null);
  const keys = new Set(open.filter((key) => !state.rows.has(key)));
  return [...keys].map((subject) => ({ subject, kind: subject.split(":", 1)[0], status: "unknown" }));
}

/**
 * What is open, by the subjects that it is about.
 * @returns {Map<string, Matter[]>}
 */
function mattersBySubject() {
  const found = new Map();
  for (const fact of state.attention) {
    const one = matter(fact);
    for (const subject of new Set([fact.subject, fact.consignment, pageOf(fact)])) {
      if (subject) found.set(subject, [...(found.get(subject) ?? []), one]);
    }
  }
  return found;
}

/**
 * @param {Row} row
 * @param {Map<string, Matter[]>} open
 * @param {number} now
 * @returns {Line}
 */
function line(row, open, now) {
  const parts = row.kind === "consignment" ? (row.members ?? []) : [];
  const status = row.ended ? "ended" : row.status;
  const seen = row.observed_at ? { point: row.point, moving: row.moving, row } : ofMembers(row);
  const at = seen ? newest(seen.row) : undefined;
  const isOver = OVER.has(status);
  const fresh = at && !isOver && !UNSEEN.has(status) ? freshness(at, now, state.silentHours) : null;
  const found = new Set(open.get(row.subject));
  for (const part of parts) {
    const theirs = stay(part, row);
    for (const one of ofPart(part, open, now)) {
      if (isWithin(one, theirs) && !isTold(one, part, found)) found.add(one);
    }
  }
  const matters = [...found];
  if (seen && fresh === "silent" && isSilent(row, seen, now) && !matters.some(isSilence)) {
    matters.push({ kind: "silent", word: "silent", rank: 3.5, of: row.subject, since: at });
  }
  matters.sort((a, b) => a.rank - b.rank);
  return { row, status, isOver, seen, at, fresh, matters, rank: matters[0]?.rank ?? 9 };
}

/**
 * What is open on a part of a consignment is open on the consignment, also that nobody has heard of the part.
 * @param {string} key
 * @param {Map<string, Matter[]>} open
 * @param {number} now
 * @returns {Matter[]}
 */
function ofPart(key, open, now) {
  const row = state.rows.get(key);
  const matters = row ? line(row, open, now).matters : (open.get(key) ?? []);
  return matters.map((one) => (one.of ? { ...one, word: "part silent" } : one));
}

/**
 * When a subject was last seen: where it is, or again since it came to or left there.
 * @param {Row} row
 */
function newest({ observed_at, last_seen }) {
  return last_seen && moment(last_seen.observed_at) > moment(observed_at) ? last_seen.observed_at : observed_at;
}

/**
 * Whether the mismatch of a part's identity is told of the whole already.
 * @param {Matter} one
 * @param {string} part
 * @param {Set<Matter>} found
 */
function isTold({ fact }, part, found) {
  return fact?.code === "IDENTITY_MISMATCH" && [...found].some((own) => own.fact?.detail === part);
}

/** @param {Matter} one */
function isSilence(one) {
  return one.kind === "silent" || one.fact?.code === "NO_SIGNAL";
}

/**
 * Whether it should have been heard of: on the way by now, standing twice as long. A train that stands may wait for its
 * engine and a wagon for a load: nobody speaks of them meanwhile.
 * @param {Row} row
 * @param {Seen} seen
 * @param {number} now
 */
function isSilent(row, seen, now) {
  if (row.kind === "wagon" || row.kind === "run") return false;
  if (seen.moving) return true;
  return row.kind !== "train" && now - moment(newest(seen.row)) > 2 * state.silentHours * 3_600_000;
}

/**
 * The time that a container is with a consignment: what has been emptied carries the goods of others. An open end is
 * that of one which carries them, or that nobody has told of.
 * @param {string} key
 * @param {Row} whole
 * @returns {{ start?: string, end?: string }}
 */
function stay(key, whole) {
  const row = state.rows.get(key);
  if (!row || row.kind !== "container" || whole.kind !== "consignment") return {};
  const open = (row.associations ?? []).find((one) => one.subject === whole.subject && !one.end);
  return open ? { start: open.start } : { end: told(whole, key)?.instant ?? "" };
}

/**
 * A unit as a consignment tells of it.
 * @param {Row} whole
 * @param {string} key
 */
function told(whole, key) {
  return whole.parts?.find((one) => one.subject === key);
}

/**
 * Whether something befell a part while it carried the goods; of one that never did, nothing is theirs but a clash.
 * @param {Matter} matter
 * @param {{ start?: string, end?: string }} stay
 */
function isWithin({ fact, since }, { start, end }) {
  if (fact?.code === "IDENTITY_MISMATCH") return true;
  const at = moment(fact?.instant ?? since);
  if (end !== undefined) return at <= moment(end);
  return !start || !(at < moment(start));
}

/**
 * A part as its own row has it; one that carries the goods no more, as it was when it did, and one without a row as the
 * whole tells of it.
 * @param {Row} whole
 * @param {string} key
 * @returns {Row | undefined}
 */
function partOf(whole, key) {
  const row = state.rows.get(key);
  const part = told(whole, key);
  // What stands as it was left is told by its own row, which says by whom.
  if (row && (stay(key, whole).end === undefined || row.observed_at === part?.instant)) return row;
  return part && { subject: key, kind: "container", status: part.status, point: part.point, observed_at: part.instant };
}

/**
 * The line of a part of a subject.
 * @param {string} whole
 * @param {string} key
 */
export function lineOfPart(whole, key) {
  const row = state.rows.get(whole);
  const part = row ? partOf(row, key) : state.rows.get(key);
  return part ? line(part, mattersBySubject(), state.clock.now()) : null;
}

/**
 * Where the newest of a consignment's or run's parts was seen, and at how many other places the rest is.
 * @param {Row} row
 * @returns {Seen | null}
 */
function ofMembers(row) {
  const known = (row.members ?? []).map((m) => partOf(row, m)).filter((m) => m !== undefined);
  const parts = known.filter((m) => m.observed_at);
  if (!parts.length) return null;
  const newest = parts.reduce((a, b) => (moment(b.observed_at) > moment(a.observed_at) ? b : a));
  const others = new Set(parts.map((m) => `${m.point} ${m.moving}`)).size - 1;
  return { point: newest.point, moving: newest.moving, row: newest, others };
}

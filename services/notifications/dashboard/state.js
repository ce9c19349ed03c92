// What the page knows, and what follows from it. Nothing here asks the network or touches the document.

import { matter } from "./facts.js";
import { Clock, freshness } from "./time.js";

/** So many items are kept; what is older is asked for by other means than this page. */
export const KEPT_ITEMS = 300;
const ENDED = new Set(["delivered", "cancelled", "planned", "postponed", "unknown"]);

export const state = {
  me: null,
  points: new Map(),
  silentHours: 24,
  clock: new Clock(),
  zone: "place",
  rows: new Map(),
  truncated: false,
  attention: [],
  items: [],
  seen: new Set(),
  replaced: new Map(),
  connection: { phase: "connecting", heard: null, next: null },
  trouble: null,
  signedOut: null,
  loaded: false,
  page: { key: null, data: null, failure: null },
  // What has changed since the last paint, to be marked for a moment.
  touched: new Set(),
};

let paint = () => {};
let owed = false;

/** Sets what paints the page. */
export function onPaint(painter) {
  paint = painter;
}

/** Paints once in the next frame, however much has changed until then. */
export function changed() {
  if (owed) return;
  owed = true;
  requestAnimationFrame(() => {
    owed = false;
    paint();
    state.touched.clear();
  });
}

/** Takes rows of the overview; all of them, or those that have changed. */
export function takeRows(rows, isAll) {
  const before = state.rows;
  if (isAll) state.rows = new Map();
  for (const row of rows) {
    const known = before.get(row.subject);
    const same = known && known.recorded_at === row.recorded_at && known.exceptions === row.exceptions;
    if (state.loaded && !same) state.touched.add(row.subject);
    state.rows.set(row.subject, same ? known : row);
  }
  changed();
}

/** Takes an item, once; returns whether it was new. `isNews` marks it for a moment. */
export function takeItem(item, isNews) {
  if (state.seen.has(item.item)) return false;
  state.seen.add(item.item);
  if (state.seen.size > 20 * KEPT_ITEMS) state.seen.delete(state.seen.values().next().value);
  state.clock.reach(item.recorded_at);
  state.items.push(item);
  if (state.items.length > 2 * KEPT_ITEMS) {
    for (const gone of state.items.splice(0, state.items.length - KEPT_ITEMS)) state.replaced.delete(gone.item);
  }
  if (item.supersedes) {
    state.replaced.set(item.supersedes, item);
    if (isNews) state.touched.add(`replaced ${item.supersedes}`);
  }
  if (isNews) state.touched.add(item.item);
  changed();
  return true;
}

/** "Zahedan, IR". */
export function placeName(point, country) {
  const known = state.points.get(point);
  const name = known?.name ?? point;
  const of = known?.country ?? country;
  return of ? `${name}, ${of}` : name;
}

/** The zone of a point; of a country, where all its points keep the same one. */
export function zoneOf(point, country) {
  if (point) return state.points.get(point)?.zone;
  const zones = new Set([...state.points.values()].filter((p) => p.country === country).map((p) => p.zone));
  return zones.size === 1 ? [...zones][0] : undefined;
}

/** What is open, by the subjects that it is about. */
function mattersBySubject() {
  const found = new Map();
  const add = (subject, one) => {
    if (!subject) return;
    if (!found.has(subject)) found.set(subject, []);
    if (!found.get(subject).includes(one)) found.get(subject).push(one);
  };
  for (const fact of state.attention) {
    const one = matter(fact);
    add(fact.subject, one);
    add(fact.consignment, one);
  }
  return found;
}

/** The lines of the list: each row with where it is, what is open, and how old its news is. */
export function lines() {
  const open = mattersBySubject();
  const now = state.clock.now();
  return [...state.rows.values()].map((row) => line(row, open, now));
}

function line(row, open, now) {
  const seen = row.observed_at ? { point: row.point, moving: row.moving, row } : ofMembers(row);
  const at = seen?.row.observed_at;
  const fresh = at && !ENDED.has(row.status) ? freshness(at, now, state.silentHours) : null;
  const matters = [...(open.get(row.subject) ?? [])];
  if (row.kind === "consignment") {
    for (const member of row.members ?? []) {
      for (const one of open.get(member) ?? []) if (!matters.includes(one)) matters.push(one);
    }
  }
  if (fresh === "silent" && isSilent(row, seen, now) && !matters.some((m) => m.fact?.code === "NO_SIGNAL")) {
    matters.push({ kind: "silent", word: "silent", rank: 3.5 });
  }
  matters.sort((a, b) => a.rank - b.rank);
  return { row, seen, at, fresh, matters, rank: matters[0]?.rank ?? 9 };
}

/**
 * Whether it should have been heard of: on the way by now, standing twice as long. A train that stands may be at its
 * end and a wagon empty: nobody speaks of them any more.
 */
function isSilent(row, seen, now) {
  if (row.kind === "wagon" || row.kind === "run") return false;
  if (seen.moving) return true;
  return row.kind !== "train" && now - Date.parse(seen.row.observed_at) > 2 * state.silentHours * 3_600_000;
}

/** Where the newest of a consignment's or run's parts was seen, and at how many other places the rest is. */
function ofMembers(row) {
  const parts = (row.members ?? []).map((m) => state.rows.get(m)).filter((m) => m?.observed_at);
  if (!parts.length) return null;
  const newest = parts.reduce((a, b) => (Date.parse(b.observed_at) > Date.parse(a.observed_at) ? b : a));
  const others = new Set(parts.map((m) => `${m.point} ${m.moving}`)).size - 1;
  return { point: newest.point, moving: newest.moving, row: newest, others };
}

/** The line of one subject. */
export function lineOf(subject) {
  const row = state.rows.get(subject);
  return row ? line(row, mattersBySubject(), state.clock.now()) : null;
}

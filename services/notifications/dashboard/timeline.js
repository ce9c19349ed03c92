// Everything that happened to a subject, newest first, with the silences between what was observed of it, up to now.

import { whereOf, whereabouts } from "./clocks.js";
import { disputesOf, outOfOrder, sayings } from "./disputes.js";
import { flash, h, list, part, spaced } from "./dom.js";
import { describe, isCase, isExpected, isOfCargo, overdue, sureness } from "./facts.js";
import { confidence, mark, tag } from "./marks.js";
import { withFilters } from "./route.js";
import { by, lentHint, subjectLink, time } from "./shell.js";
import { placeName, state } from "./state.js";
import { duration, moment } from "./time.js";
import { RULES } from "./words.js";

/** @import { Description, Drawn, Entry, Line, Subject, Told } from "../dashboard.d.ts" */

/**
 * What a timeline is drawn in: `at` says at which point its subject was at an instant, `disputes` is by fact.
 * @typedef {object} Context
 * @property {string} subject
 * @property {number} [parts] how many there are
 * @property {(instant: string | undefined) => string | undefined} at
 * @property {Map<string | undefined, Told>} disputes
 * @property {Set<string | undefined>} odd the facts that cannot have been in this order
 */

/** @type {Record<string, string>} */
const TOPICS = { "": "Everything", milestone: "Movements", customs: "Customs", trouble: "Troubles" };
/** @type {Record<string, (entry: Entry, subject: string) => unknown>} */
const TOPIC_TESTS = {
  "": () => true,
  milestone: ({ gap, fact }) => gap || fact?.topic === "milestone",
  customs: ({ fact }) => fact?.topic === "customs" || fact?.topic === "arrival",
  trouble: ({ gap, fact, isTrouble: flagged }, subject) => (fact && !gap ? isTrouble(fact, subject) : flagged),
};

/**
 * What the list counts as needing somebody, open or over; that a consignment is not declared is its own trouble.
 * @param {Told} fact
 * @param {string} subject
 */
function isTrouble(fact, subject) {
  if (fact.topic === "arrival") return fact.subject === subject && isExpected(fact) && fact.detail === "not declared";
  return fact.topic === "exception" || fact.topic === "violation" || Boolean(fact.state?.startsWith("hold_"));
}

/**
 * All that is told on a subject's page, newest first.
 * @param {Subject} data
 */
export function factsOf(data) {
  const at = (/** @type {Told} */ fact) => moment(fact.instant) || 0;
  // That somebody has arrived is told by whoever saw it; the announcement of it adds nothing.
  const beside = data.related.filter((fact) => fact.topic !== "arrival" || isExpected(fact));
  /** @type {Told[]} */
  const all = [...data.facts, ...data.of_parts, ...beside];
  return all.sort((a, b) => at(b) - at(a) || (a.fact < b.fact ? 1 : -1));
}

/**
 * The timeline as `{ tree, fill }`; `line` is the subject's line of the list.
 * @param {Subject} data
 * @param {Told[]} facts
 * @param {Line | null} line
 * @param {string} topic
 */
export function timeline(data, facts, line, topic) {
  const entries = withSilences(facts, line);
  /** @type {(name: string) => (entry: Entry) => boolean} */
  const has = (name) => (entry) => Boolean( (TOPIC_TESTS[name] ?? TOPIC_TESTS[""])(entry, data.subject));
  const shown = entries.filter(has(topic));
  const context = {
    subject: data.subject,
    parts: data.members?.length,
    at: whereabouts(facts),
    disputes: disputesOf(facts),
    odd: outOfOrder(facts),
  };
  return {
    tree: card(topic, { entries, shown, has }, context),
    fill(/** @type {Drawn} */ root) {
      list(part(root, ".timeline"), shown, {
        key: (entry) => entry.key,
        signature: (entry) => signature(entry, context),
        build: (entry) => (entry.fact ? happened(entry.fact, context) : silence(entry)),
        onChange: (el, entry) => entry.fact && state.touched.has(`fact ${entry.fact.fact}`) && flash(el),
      });
    },
  };
}

/**
 * @param {Entry} entry
 * @param {Context} context
 */
function signature({ fact, gap }, { disputes, odd }) {
  const late = fact && duration(overdue(fact, state.clock.now()));
  const of = [fact?.via, fact?.consignment].map((key) => state.rows.has(key ?? ""));
  const dispute = disputes.get(fact?.fact ?? "");
  return JSON.stringify([fact, gap && duration(gap), late, dispute, odd.has(fact?.fact), state.zone, state.points.size, of]);
}

/**
 * @param {string} topic
 * @param {{ entries: Entry[], shown: Entry[], has: (name: string) => (entry: Entry) => boolean }} content
 * @param {Context} context
 */
function card(topic, { entries, shown, has }, { at }) {
  const chips = Object.entries(TOPICS).map(([name, word]) =>
    h(
      "a",
      { class: "chip", href: withFilters({ topic: name }), "aria-current": name === topic ? "true" : null },
      `${word} `,
      h("b", { class: "figures" }, entries.filter(isCounted).filter(has(name)).length),
    ),
  );
  return h(
    "section",
    { class: "card history", "aria-label": "Timeline" },
    h("div", { class: "over" }, h("h2", null, "Timeline"), h("nav", { class: "chips", "aria-label": "Topics" }, chips)),
    lentHint(shown.flatMap(({ fact }) => (fact?.instant ? whereOf(fact, at) : []))),
    h("ol", { class: "timeline", "data-own": "" }),
    shown.length === 0 &&
      h(
        "p",
        { class: "empty" },
        entries.length ? "Nothing of this kind has happened." : "Nothing has been reported that you may see.",
      ),
  );
}

/**
 * A silence that somebody should look at is counted as what it is: a trouble.
 * @param {Entry} entry
 */
function isCounted(entry) {
  return entry.fact || entry.isTrouble;
}

/**
 * The facts, with the silences that were longer than the corridor takes for granted; the one up to now above all.
 * @param {Told[]} facts
 * @param {Line | null} line
 */
function withSilences(facts, line) {
  const limit = state.silentHours * 3_600_000;
  const now = state.clock.now();
  /** @type {Entry[]} */
  const entries = [];
  /** @type {Told | null} */
  let later = null;
  for (const fact of facts) {
    const counts = fact.topic === "milestone" && fact.instant;
    const gap = counts && later ? moment(later.instant) - moment(fact.instant) : 0;
    if (gap > limit) entries.push({ key: `gap ${later?.fact}`, gap });
    entries.push({ key: fact.fact, fact });
    if (counts) later = fact;
  }
  const ahead = entries.findIndex(({ fact }) => !fact || moment(fact.instant) <= now);
  entries.splice(ahead < 0 ? entries.length : ahead, 0, ...present(line, now));
  return entries;
}

/**
 * The silences that go on: those that need somebody, of its parts too; or else its own.
 * @param {Line | null} line
 * @param {number} now
 * @returns {Entry[]}
 */
function present(line, now) {
  if (!line) return [];
  /** @type {{ since?: string, of?: string }[]} */
  const flagged = line.matters.filter((one) => one.kind === "silent");
  const own = line.fresh === "silent" && !flagged.length ? [{ since: line.at, of: line.row.subject }] : [];
  return [...flagged, ...own].map((one) => ({
    key: `gap now ${one.of}`,
    gap: now - moment(one.since),
    of: one.of === line.row.subject ? null : one.of,
    isTrouble: flagged.includes(one),
    isNow: true,
  }));
}

/** @param {Entry} entry */
function silence({ key, gap, of, isNow, isTrouble: flagged }) {
  return h(
    "li",
    { class: isNow ? "gap present" : "gap", "data-key": key },
    flagged && [tag("dashed", "silent", "Silent: "), " "],
    of && [subjectLink(of), " "],
    `${duration(gap ?? 0)} without a report of a movement${isNow ? ", up to now" : ""}`,
  );
}

/**
 * How many of the parts took a step, and from when on where they took it one after the other.
 * @param {Told} fact
 * @param {number | undefined} parts
 */
function together(fact, parts) {
  const { subjects = [] } = fact;
  const all = subjects.length === parts;
  const which =
    subjects.length === 1
      ? subjectLink(subjects[0])
      : h("span", null, all ? `all ${parts}` : `${subjects.length} of ${parts}`);
  const lasted =
    fact.from !== fact.instant && h("span", { class: "more" }, " from ", time(fact.from ?? "", { point: fact.point }));
  return h("span", null, which, lasted);
}

/**
 * @param {Told} fact
 * @param {Context} context
 */
function happened(fact, context) {
  const expected = isExpected(fact);
  const said = describe(fact);
  return h(
    "li",
    { class: `fact ${expected ? "expected" : ""} ${fact.topic}`, "data-key": fact.fact, "data-code": fact.code },
    h(
      "div",
      { class: "when" },
      fact.instant
        ? [expected && h("span", { class: "more" }, "about "), time(fact.instant, whereOf(fact, context.at))]
        : h("span", { class: "quiet" }, "no time known"),
    ),
    h("span", { class: "sign" }, mark(expected ? "dashed" : said.shape, said.tone)),
    h("div", { class: "said" }, h("p", { class: "line" }, told(fact, said, context)), disputed(fact, context)),
  );
}

/**
 * @param {Told} fact
 * @param {Description} said
 * @param {Context} context
 */
function told(fact, said, { subject, parts, disputes, odd }) {
  const late = overdue(fact, state.clock.now());
  return spaced(
    h("b", { class: `headline ${said.tone}` }, said.title),
    isOfCargo(fact, subject) &&
      h("span", null, h("span", { class: "more" }, "of "), subjectLink(fact.consignment ?? "")),
    fact.point && h("span", { class: "place" }, placeName(fact.point, fact.country)),
    confidence(sureness(fact)),
    by(fact.reported_by, fact.confidence),
    fact.subjects && together(fact, parts),
    fact.via && h("span", null, h("span", { class: "more" }, "with "), subjectLink(fact.via)),
    (fact.disputed || disputes.has(fact.fact)) && tag("triangle", "warn", "disputed: reports differ"),
    odd.has(fact.fact) && tag("triangle", "warn", RULES.PHYSICAL_ORDER),
    fact.claim && tag("ring", "quiet", "claim, not from customs"),
    said.more && h("span", { class: "more" }, said.more),
    late > 0 && tag("triangle", "warn", `${duration(late)} past, not all have arrived`),
    fact.topic !== "milestone" &&
      fact.subject !== subject &&
      !isCase(fact.subject) &&
      subjectLink(fact.subject),
  );
}

/**
 * What disagrees: on the exception all of it, on the fact that it is about what else was told.
 * @param {Told} fact
 * @param {Context} context
 */
function disputed(fact, { disputes }) {
  return disputes.has(fact.fact) ? sayings(disputes.get(fact.fact), { beside: true }) : sayings(fact);
}

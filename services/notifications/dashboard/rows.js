// The table of the list: its columns, by which it can be ordered, and one row for each line.

import { h, part } from "./dom.js";
import { expectedEnd } from "./expected.js";
import { apply } from "./filters.js";
import { MATTERS, confidence, status, tag } from "./marks.js";
import { age, by, place, subjectLink, time } from "./shell.js";
import { changed, placeName, state } from "./state.js";
import { ago, moment } from "./time.js";
import { STATUS, apart, subject } from "./words.js";

/** @import { Child, Drawn, Line, Matter, Row } from "../dashboard.d.ts" */

/**
 * What needs somebody, with how many there are of it.
 * @typedef {{ kind: string, word: string, count?: number }} Tag
 */

const ORDER = ["train", "consignment", "container", "wagon", "run"];
const SURE = ["observed", "second_hand", "inferred", "estimated", "planned"];
const MOST_TAGS = 3;

/** @typedef {(a: Line, b: Line) => number} Order */

/** @type {Order} */
const kindOrder = (a, b) => ORDER.indexOf(a.row.kind) - ORDER.indexOf(b.row.kind);
/** @type {Order} */
const seenOrder = (a, b) => (moment(b.at) || 0) - (moment(a.at) || 0);
/** @type {Order} */
const nameOrder = (a, b) => (a.row.subject < b.row.subject ? -1 : 1);
/** @type {(text: (line: Line) => string) => Order} */
const textOrder = (text) => (a, b) => text(a).localeCompare(text(b));
// What is over comes last, and there a train is no more than what it carried.
const OVER_ORDER = ["consignment", "train", "container", "wagon", "run"];
/** @type {Order} */
const overOrder = (a, b) => OVER_ORDER.indexOf(a.row.kind) - OVER_ORDER.indexOf(b.row.kind);
/** @type {Order} */
const onwardOrder = (a, b) => Number(a.isOver) - Number(b.isOver) || (a.isOver ? overOrder(a, b) : kindOrder(a, b));
/** @type {Record<string, Order[]>} */
const SORTERS = {
  needs: [(a, b) => a.rank - b.rank, onwardOrder, seenOrder],
  seen: [seenOrder],
  subject: [kindOrder],
  status: [textOrder((line) => STATUS[line.status] ?? line.status), seenOrder],
  where: [textOrder((line) => (line.seen ? placeName(line.seen.point) : "~")), seenOrder],
  sure: [(a, b) => sureness(a) - sureness(b), seenOrder],
};
const DOWN = new Set(["seen", "needs"]);

/** @param {Line} line */
const sureness = (line) => (line.seen ? SURE.indexOf(line.seen.row.confidence ?? "") : SURE.length);

/**
 * The order that is chosen: a "-" turns round what a column is first ordered by.
 * @param {URLSearchParams} filters
 */
function sortOf(filters) {
  const chosen = filters.get("sort") ?? "needs";
  const name = chosen.replace(/^-/, "");
  return name in SORTERS ? { name, isTurned: chosen !== name } : { name: "needs", isTurned: false };
}

/**
 * @param {Line[]} lines
 * @param {URLSearchParams} filters
 */
export function sorted(lines, filters) {
  const { name, isTurned } = sortOf(filters);
  const [first, ...then] = [...SORTERS[name], nameOrder];
  /** @type {Order} */
  const turned = isTurned ? (a, b) => first(b, a) : first;
  return [...lines].sort((a, b) => [turned, ...then].reduce((found, order) => found || order(a, b), 0));
}

// Where there is no room for columns, a list beside the search orders them.
const narrow = matchMedia("(max-width: 700px)");
narrow.addEventListener("change", changed);

/** @param {URLSearchParams} filters */
export function table(filters) {
  const chosen = sortOf(filters);
  /** @type {(word: string, by: string | null, className?: string) => Drawn} */
  const column = (word, by, className) => {
    const isDown = DOWN.has(by ?? "") !== chosen.isTurned;
    const isChosen = by === chosen.name;
    const next = isChosen && !chosen.isTurned ? `-${by}` : by;
    const arrow = h("span", { class: "arrow", "aria-hidden": "true" }, isChosen ? (isDown ? "↓" : "↑") : "");
    const onclick = () => apply({ sort: next === "needs" ? "" : String(next) });
    return h(
      "th",
      {
        scope: "col",
        role: "columnheader",
        class: className,
        "aria-sort": isChosen ? (isDown ? "descending" : "ascending") : null,
      },
      by && !narrow.matches ? h("button", { type: "button", class: "sort", onclick }, word, arrow) : word,
    );
  };
  return h(
    "table",
    { class: "rows", role: "table", "aria-label": "Shipments" },
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        column("Subject", "subject"),
        column("Status", "status"),
        column("Where", "where"),
        column("Last observed", "seen"),
        column("At", null, "wide"),
        column("How sure", "sure", "sure"),
        column("Needs attention", "needs"),
        column("Belongs to", null, "wider"),
      ),
    ),
    h("tbody", { role: "rowgroup", "data-own": "", onclick: follow }),
  );
}

/**
 * What lies above the link that fills the row, such as a time with its UTC, leads where the row does.
 * @param {MouseEvent} event
 */
function follow(event) {
  const target = /** @type {Element} */ (event.target);
  const row = target.closest("tr");
  if (!row || target.closest("a") || !getSelection()?.isCollapsed) return;
  const { ctrlKey, metaKey, shiftKey } = event;
  part(row, ".what a").dispatchEvent(
    new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }),
  );
}

/**
 * What a row shows, as far as it can change.
 * @param {Line} line
 * @param {number} now
 */
export function signature(line, now) {
  const { row, seen, matters } = line;
  return JSON.stringify([
    row.recorded_at,
    line.status,
    seen?.point,
    seen?.others,
    line.at && ago(line.at, now),
    line.fresh,
    matters.map((m) => m.word + (m.fact?.fact ?? "")),
    state.zone,
    state.points.size,
    row.associations?.length,
    row.expected?.[0]?.expected,
  ]);
}

/** @param {Line} line */
export function row(line) {
  const { row: shown, at, seen, matters } = line;
  /** @type {(className: string, ...content: Child[]) => Drawn} */
  const cell = (className, ...content) => h("td", { role: "cell", class: className }, ...content);
  return h(
    "tr",
    {
      role: "row",
      "data-key": shown.subject,
      class: matters.length ? `needs rank${Math.min(3, Math.floor(line.rank))}` : null,
    },
    cell("what", h("span", { class: "kind" }, shown.kind), subjectLink(shown.subject, { always: true })),
    cell("status", status(line.status), apart(shown.units) && h("span", { class: "more apart" }, apart(shown.units))),
    cell("where", whereabouts(line)),
    cell("seen", observed(line)),
    cell("at wide", at && time(at, { point: seen?.point })),
    cell("sure", at && confidence(seen?.row.confidence)),
    cell("matters", matters.length ? h("ul", null, shortened(matters).map(matterTag)) : null),
    cell("with wider", belongings(shown)),
  );
}

/** @param {Line} line */
function whereabouts({ row: shown, seen, at }) {
  if (seen) {
    return [
      place(seen),
      seen.others ? [" ", h("span", { class: "more" }, `+ ${seen.others} more`)] : null,
      h("span", { class: "second" }, time(at ?? "", { point: seen.point })),
      expectedEnd(shown.expected),
    ];
  }
  return h("span", { class: "quiet" }, shown.origin ? `not seen yet, from ${placeName(shown.origin)}` : "not seen yet");
}

/** @param {Line} line */
function observed({ at, fresh, seen }) {
  if (!at) return h("span", { class: "quiet" }, "never");
  // Who has seen it again since is on its page.
  if (at !== seen?.row.observed_at) return age(at, { fades: Boolean(fresh) });
  return [
    age(at, { fades: Boolean(fresh) }),
    " ",
    by(seen?.row.reported_by, seen?.row.confidence),
    h("span", { class: "sureness" }, confidence(seen?.row.confidence)),
  ];
}

/**
 * @param {Matter[]} matters
 * @returns {Tag[]}
 */
function shortened(matters) {
  /** @type {Map<string, Matter[]>} */
  const words = new Map();
  for (const one of matters) words.set(one.word, [...(words.get(one.word) ?? []), one]);
  /** @type {Tag[]} */
  const all = [...words.values()].map(([first, ...same]) => ({ ...first, count: same.length + 1 }));
  if (all.length <= MOST_TAGS) return all;
  return [...all.slice(0, MOST_TAGS - 1), { kind: "more", word: `${all.length - MOST_TAGS + 1} more` }];
}

/** @param {Tag} one */
function matterTag(one) {
  const [shape, tone] = MATTERS[one.kind] ?? ["ring", "quiet"];
  const { count = 1 } = one;
  return h("li", null, tag(shape, tone, count > 1 ? `${one.word} × ${count}` : one.word));
}

/** @param {Row} shown */
function belongings(shown) {
  const now = (shown.associations ?? []).filter((a) => !a.end && a.relation !== "carries").map((a) => a.subject);
  const others = [...new Set([...now, shown.run].filter((key) => key !== undefined))].slice(0, 3);
  const route =
    shown.destination && h("span", { class: "more" }, `${placeName(shown.origin)} to ${placeName(shown.destination)}`);
  return [
    route,
    ...others.map((key) =>
      h("span", { class: "other" }, h("span", { class: "kind" }, subject(key).kind), " ", subjectLink(key)),
    ),
  ];
}

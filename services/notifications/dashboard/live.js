// The feed as it comes, newest first. What was taken back or replaced stays, and is shown as such.

import { flash, h, list, part, spaced } from "./dom.js";
import { whereOf } from "./clocks.js";
import { sayings } from "./disputes.js";
import { describe, isCase, isExpected, overdue, pageOf, sureness } from "./facts.js";
import { confidence, mark, tag } from "./marks.js";
import { read, withFilters } from "./route.js";
import { age, by, head, lentHint, subjectLink, time } from "./shell.js";
import { KEPT_ITEMS, changed, placeName, state } from "./state.js";
import { loadOlder } from "./sync.js";
import { ago, duration } from "./time.js";
import { RULES } from "./words.js";

/** @import { Child, Item, View } from "../dashboard.d.ts" */

/** @type {Record<string, string>} */
const TOPICS = {
  "": "All",
  milestone: "Movements",
  customs: "Customs",
  exception: "Exceptions",
  violation: "Violations",
  arrival: "Arrivals",
};

/** @type {Item[] | null} */
let frozen = null;

/** @returns {View} */
export function live() {
  const { filters } = read();
  const topic = filters.get("topic") ?? "";
  const known = [...state.older.items, ...(frozen ?? state.items).slice(-KEPT_ITEMS)];
  const items = known.filter((item) => !topic || item.topic === topic).reverse();
  const last = frozen?.at(-1)?.sequence ?? 0;
  const waiting = frozen ? state.items.filter((item) => item.sequence > last).length : 0;
  return {
    title: "Live items",
    tree: h(
      "main",
      { id: "main", "data-key": "main", class: "live" },
      head("Live items", h("p", { class: "about" }, about(items.length, known.length, topic))),
      h(
        "div",
        { class: "controls" },
        h(
          "nav",
          { class: "chips", "aria-label": "Topics" },
          Object.entries(TOPICS).map(([name, word]) =>
            h(
              "a",
              { class: "chip", href: withFilters({ topic: name }), "aria-current": name === topic ? "true" : null },
              word,
            ),
          ),
        ),
        h(
          "button",
          { type: "button", "aria-pressed": String(Boolean(frozen)), onclick: pause },
          frozen ? `Go on (${waiting} waiting)` : "Pause",
        ),
      ),
      lentHint(items.filter((item) => item.instant).map(whereNow)),
      h("ol", { class: "items", "data-own": "", "aria-label": "Items" }),
      items.length === 0 && empty(topic, known.length),
      state.loaded && known.length > 0 && further(known),
    ),
    isReady: state.loaded,
    fill(root) {
      const now = state.clock.now();
      list(part(root, ".items"), items, {
        key: (item) => item.item,
        signature: (item) => signature(item, now),
        build,
        onChange: (el, item) =>
          (state.touched.has(item.item) || state.touched.has(`replaced ${item.item}`)) && flash(el),
      });
    },
  };
}

/**
 * What an item shows, as far as it can change.
 * @param {Item} item
 * @param {number} now
 */
function signature(item, now) {
  const gone = state.replaced.get(item.item)?.item;
  const isLink = state.rows.has(pageOf(item) ?? "");
  return `${state.zone} ${state.points.size} ${ago(item.recorded_at, now)} ${gone} ${isLink}`;
}

/**
 * @param {number} count
 * @param {number} known
 * @param {string} topic
 */
function about(count, known, topic) {
  const last = `the last ${known} that you were told`;
  return topic ? `${count || "None"} of ${last}, newest first` : `T${last.slice(1)}, newest first`;
}

/**
 * How far back the page looks, and the way further back.
 * @param {Item[]} known
 */
function further([oldest]) {
  const { isAll, isAsked, failure } = state.older;
  return h(
    "div",
    { class: "further" },
    h(
      "p",
      { role: "status" },
      isAll ? "There is nothing older" : "These go back to what was told ",
      !isAll && age(oldest.recorded_at, { fades: false }),
      failure ? ". What is older could not be asked for." : ".",
    ),
    !isAll &&
      h(
        "button",
        { type: "button", onclick: loadOlder, disabled: isAsked },
        isAsked ? "Asking" : `Look further back, at ${KEPT_ITEMS} more`,
      ),
  );
}

function pause() {
  frozen = frozen ? null : [...state.items];
  changed();
}

/** @param {Item} item */
function build(item) {
  const before = [...state.older.items, ...state.items].find((one) => one.item === item.supersedes);
  // What is taken back says only which fact it was; what it said is still here, if it was told lately.
  const said = describe(item.action === "withdrawn" && before ? before : item);
  const gone = state.replaced.get(item.item);
  const page = pageOf(item);
  const other = page !== item.subject && !isCase(item.subject);
  const late = gone ? 0 : overdue(item, state.clock.now());
  return h(
    "li",
    { class: `item ${gone ? "gone" : ""} ${item.action}`, "data-key": item.item, "data-item": item.item },
    h("span", { class: "sign" }, mark(said.shape, said.tone)),
    h(
      "div",
      { class: "said" },
      h(
        "p",
        { class: "line" },
        spaced(
          h("b", { class: `headline ${said.tone}` }, said.title),
          item.point && h("span", { class: "place" }, placeName(item.point, item.country)),
          said.more && h("span", { class: "more" }, said.more),
          late > 0 && tag("triangle", "warn", `${duration(late)} past`),
          badges(item, gone, before),
        ),
      ),
      sayings(item),
    ),
    h("p", { class: "line about" }, spaced(page && subjectLink(page), other && subjectLink(item.subject))),
    h(
      "p",
      { class: "line when" },
      spaced(
        isExpected(item) && item.instant && h("span", { class: "more" }, "about"),
        item.instant && time(item.instant, whereNow(item)),
        confidence(sureness(item)),
        by(item.reported_by, item.confidence),
      ),
    ),
    h(
      "p",
      { class: "line told" },
      spaced(
        h("span", { class: "more" }, "told"),
        age(item.recorded_at, { fades: false }),
        item.late && h("span", { class: "more", title: "Told long after it happened" }, "late"),
      ),
    ),
  );
}

/**
 * By whose clock an item is told: where it names no place, by that of where its subject is now.
 * @param {Item} item
 */
function whereNow(item) {
  return whereOf(item, () => state.rows.get(pageOf(item) ?? "")?.point);
}

/**
 * @param {Item} item
 * @param {Item | undefined} gone
 * @param {Item | undefined} before
 */
function badges(item, gone, before) {
  /** @type {Child[]} */
  const found = [];
  if (gone?.action === "withdrawn") found.push(tag("cross", "bad", "withdrawn"));
  else if (gone) found.push(tag("cross", "quiet", isCorrection(gone) ? "replaced by a correction" : "has moved on"));
  if (item.action === "changed") {
    found.push(tag("half", "accent", isCorrection(item) ? "correction" : "update"), was(item, before));
  }
  if (item.action === "withdrawn") found.push(tag("cross", "bad", "taken back"));
  if (item.action === "backfill") found.push(tag("ring", "quiet", "history"));
  if (item.disputed) found.push(tag("triangle", "warn", "disputed"));
  if (item.out_of_order) found.push(tag("triangle", "warn", RULES.PHYSICAL_ORDER));
  if (item.claim) found.push(tag("ring", "quiet", "claim, not from customs"));
  return found;
}

/**
 * A milestone that changes was wrong before; the state of a case or an exception was right at its time.
 * @param {Item} item
 */
function isCorrection(item) {
  return item.topic === "milestone";
}

/**
 * What a correction has changed, where what was said before is still here.
 * @param {Item} item
 * @param {Item | undefined} before
 */
function was(item, before) {
  if (!before) return null;
  const told = (/** @type {Child[]} */ ...content) => h("span", { class: "more" }, "was ", ...content);
  if (before.instant && before.instant !== item.instant) {
    return told(time(before.instant, whereOf(before)));
  }
  if (before.point && before.point !== item.point) return told(placeName(before.point));
  if (before.reported_by && before.reported_by !== item.reported_by) return told(by(before.reported_by));
  return null;
}

/**
 * @param {string} topic
 * @param {number} known
 */
function empty(topic, known) {
  if (!state.loaded) return h("p", { class: "empty" }, "The feed is being loaded.");
  return h(
    "div",
    { class: "empty" },
    h(
      "p",
      null,
      h(
        "b",
        null,
        topic
          ? `Nothing of this kind among the last ${known} items.`
          : "You have not been told anything yet.",
      ),
    ),
    h("p", null, "Items appear here by themselves, as soon as something happens that you may see."),
  );
}

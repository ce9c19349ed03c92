// The list of what travels: what needs somebody first, then everything else.

import { flash, h, list, part } from "./dom.js";
import { CHIPS, CHIP_TESTS, chips, controls, finder, kindsOf } from "./filters.js";
import { lines } from "./lines.js";
import { noteList } from "./places.js";
import { read, withFilters } from "./route.js";
import { row, signature, sorted, table } from "./rows.js";
import { head } from "./shell.js";
import { changed, state } from "./state.js";
import { KINDS, STATUS } from "./words.js";

/** @import { Line, View } from "../dashboard.d.ts" */
/** @import { Kinds } from "./filters.js" */

const SHOWN_FIRST = 200;
const NEEDS = "#/shipments?needs=needs";

let shown = SHOWN_FIRST;
let shownFor = "";

/** @returns {View} */
export function shipments() {
  noteList();
  const { filters } = read();
  const all = lines();
  const kinds = kindsOf(filters);
  const found = all.filter(finder(filters));
  const wanted = found.filter(CHIP_TESTS[filters.get("needs") ?? "all"] ?? CHIP_TESTS.all);
  const inKinds = sorted(wanted.filter(kinds.has), filters);
  if (shownFor !== location.hash) [shownFor, shown] = [location.hash, SHOWN_FIRST];
  const visible = inKinds.slice(0, shown);
  return {
    title: "Shipments",
    isReady: state.loaded,
    tree: h(
      "main",
      { id: "main", "data-key": "main", class: "shipments" },
      head("Shipments", about(all, wanted, inKinds, kinds)),
      chips(found, filters),
      controls(filters, kinds, all),
      others(wanted.length - inKinds.length, kinds),
      table(filters),
      inKinds.length === 0 && empty(filters, all.length),
      inKinds.length > shown && further(inKinds.length),
      state.truncated &&
        h("p", { class: "note" }, "There are more than this page holds at once; a search finds the others."),
    ),
    fill(root) {
      const now = state.clock.now();
      list(part(root, "tbody"), visible, {
        key: (line) => line.row.subject,
        signature: (line) => signature(line, now),
        build: row,
        onChange: (el, line, isNew) => state.touched.has(line.row.subject) && (isNew || state.loaded) && flash(el),
      });
    },
  };
}

/**
 * How many are shown, and how many need somebody: also those that are not among the shown ones.
 * @param {Line[]} all
 * @param {Line[]} wanted
 * @param {Line[]} shownNow
 * @param {Kinds} kinds
 */
function about(all, wanted, shownNow, kinds) {
  if (!state.loaded) return h("p", { class: "about", role: "status" }, "Loading");
  const here = new Set(shownNow.map((line) => line.row.subject));
  const needs = all.filter(CHIP_TESTS.needs);
  const away = needs.filter((line) => !here.has(line.row.subject)).length;
  const elsewhere = away === needs.length ? "not in this list" : `${away} of them not in this list`;
  return h(
    "p",
    { class: "about", role: "status" },
    `${count(all, wanted, shownNow, kinds)}. `,
    needs.length ? `${needs.length} ${needs.length === 1 ? "needs" : "need"} attention` : "Nothing needs attention",
    away ? [", ", h("a", { href: NEEDS }, elsewhere)] : null,
    ".",
  );
}

/**
 * How many are shown out of how many; what is in kinds that are switched off is told apart.
 * @param {Line[]} all
 * @param {Line[]} wanted
 * @param {Line[]} shownNow
 * @param {Kinds} kinds
 */
function count(all, wanted, shownNow, kinds) {
  const inKinds = all.filter(kinds.has).length;
  const off = kinds.isChosen || kinds.isWide ? 0 : wanted.length - shownNow.length;
  const of = shownNow.length === inKinds ? "" : ` of ${inKinds}`;
  const besides = off ? `, besides ${off} in kinds that are switched off` : "";
  return `${shownNow.length || "None"}${of} shown${kinds.isSearch ? ", looked for in all kinds" : besides}`;
}

/**
 * That what somebody looks for is there, in a kind that is switched off.
 * @param {number} count
 * @param {Kinds} kinds
 */
function others(count, { isChosen, isWide }) {
  if (!count || !(isChosen || isWide)) return null;
  const all = Object.keys(KINDS).join(",");
  return h(
    "p",
    { class: "note", "data-key": "others" },
    `${count} more in kinds that are switched off. `,
    h("a", { href: withFilters({ kind: isWide ? "" : all }) }, "Show all kinds"),
  );
}

/** @param {number} count */
function further(count) {
  const more = () => {
    shown += SHOWN_FIRST;
    changed();
  };
  return h(
    "div",
    { class: "further" },
    h("button", { type: "button", onclick: more }, `Show ${Math.min(SHOWN_FIRST, count - shown)} more`),
    h("span", null, ` ${count - shown} are not shown`),
  );
}

/**
 * Says what would be here, and why it is not.
 * @param {URLSearchParams} filters
 * @param {number} known
 */
function empty(filters, known) {
  if (!state.loaded) return h("p", { class: "empty" }, "The list is being loaded.");
  if (!known) {
    return h(
      "div",
      { class: "empty" },
      h("p", null, h("b", null, "Nothing is on its way that you may see.")),
      h(
        "p",
        null,
        "A shipment appears here by itself with the first report or booking that is yours to see: " +
          "a booking that names you, or a report about a train, wagon or container on your part of the route.",
      ),
    );
  }
  const [query, status, needs] = ["q", "status", "needs"].map((name) => filters.get(name));
  const filtered = [
    query && `“${query}”`,
    status && `status “${STATUS[status] ?? status}”`,
    needs && CHIPS[needs]?.toLowerCase(),
  ].filter(Boolean);
  return h(
    "div",
    { class: "empty" },
    h(
      "p",
      null,
      h("b", null, filtered.length ? `None of ${known} fits ${filtered.join(" and ")}.` : "None of this kind."),
    ),
    h("p", null, h("a", { href: "#/shipments" }, "Show all shipments")),
  );
}

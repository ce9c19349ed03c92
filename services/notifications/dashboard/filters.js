// What the list is narrowed by: chips for what needs somebody, a search, kinds and a status.
//
// The plain list shows the usual kinds. A search and a chip look in all of them, so that no trouble hides in a kind that
// is switched off; kinds that somebody has chosen count everywhere.

import { h } from "./dom.js";
import { MATTERS, tag } from "./marks.js";
import { setFilters, withFilters } from "./route.js";
import { changed, placeName, state } from "./state.js";
import { findRows } from "./sync.js";
import { KINDS, STATUS, plain } from "./words.js";

/** @import { Line, Row } from "../dashboard.d.ts" */
/** @typedef {ReturnType<typeof kindsOf>} Kinds */

const USUAL = ["consignment", "container", "train"];
const SORTS = {
  needs: "Attention first",
  seen: "Last observed",
  subject: "Identifier",
  status: "Status",
  where: "Place",
  sure: "How sure",
};
/** @type {Record<string, string>} */
export const CHIPS = {
  all: "All",
  needs: "Needs attention",
  violation: "Violations",
  held: "Held",
  exception: "Exceptions",
  undeclared: "Not declared",
  silent: "Silent",
};
/** @type {Record<string, (line: Line) => boolean>} */
export const CHIP_TESTS = {
  all: () => true,
  needs: (line) => line.matters.length > 0,
  ...Object.fromEntries(
    Object.keys(MATTERS).map((kind) => [kind, (/** @type {Line} */ line) => line.matters.some((m) => m.kind === kind)]),
  ),
};

/** @type {number | undefined} */
let asking;

/**
 * The kinds that are shown: `has(line)`, and whether that is by choice, by a search, or wider than usual.
 * @param {URLSearchParams} filters
 */
export function kindsOf(filters) {
  const chosen = filters.get("kind")?.split(",");
  const isWide = Boolean(filters.get("q") || filters.get("needs"));
  const names = chosen ?? (isWide ? Object.keys(KINDS) : USUAL);
  return {
    names,
    isWide,
    isChosen: Boolean(chosen),
    isSearch: Boolean(filters.get("q")) && !chosen,
    has: (/** @type {Line} */ line) => names.includes(line.row.kind) || (isWide && !(line.row.kind in KINDS)),
  };
}

/**
 * A test for what is searched: every word in some identifier, place or status, however it is spaced.
 * @param {URLSearchParams} filters
 */
export function finder(filters) {
  const wanted = filters.get("status");
  const words = (filters.get("q") ?? "")
    .toLowerCase()
    .split(/\s+/)
    .map((word) => word.replace(/[-/]/g, ""))
    .filter(Boolean);
  return (/** @type {Line} */ line) => {
    if (wanted && line.status !== wanted) return false;
    if (!words.length) return true;
    const text = haystack(line.row, line.status);
    return words.every((word) => text.includes(word));
  };
}

/** @type {WeakMap<Row, string>} */
const haystacks = new WeakMap();

/**
 * @param {Row} row
 * @param {string} status
 */
function haystack(row, status) {
  const known = haystacks.get(row);
  if (known !== undefined) return known;
  const others = (row.associations ?? []).map((a) => a.subject);
  const places = [row.point, row.origin, row.destination].filter(Boolean).map((p) => `${p} ${placeName(p)}`);
  const parts = [
    row.subject,
    row.run,
    STATUS[status],
    ...(row.members ?? []),
    ...others,
    ...(row.references ?? []),
    ...places,
  ];
  const text = parts.join(" ").toLowerCase().replace(/[-/]/g, "");
  haystacks.set(row, text);
  return text;
}

/**
 * @param {Line[]} found
 * @param {URLSearchParams} filters
 */
export function chips(found, filters) {
  const chosen = filters.get("needs") ?? "all";
  return h(
    "nav",
    { class: "chips", "aria-label": "What needs attention" },
    Object.entries(CHIPS).map(([name, word]) => {
      const isAll = name === "all";
      const has = isAll ? kindsOf(new URLSearchParams({ q: filters.get("q") ?? "" })).has : () => true;
      const count = found.filter((line) => CHIP_TESTS[name](line) && has(line)).length;
      const [shape, tone] = MATTERS[name] ?? ["", ""];
      const inner = shape ? tag(shape, count ? tone : "quiet", word) : h("span", { class: "tag" }, word);
      return h(
        "a",
        {
          class: count ? "chip" : "chip none",
          // A chip counts all kinds, so it shows them.
          href: withFilters({ needs: isAll ? "" : name, kind: "" }),
          "aria-current": name === chosen ? "true" : null,
        },
        inner,
        h("b", { class: "figures" }, count),
      );
    }),
  );
}

/**
 * @param {URLSearchParams} filters
 * @param {Kinds} kinds
 * @param {Line[]} all
 */
export function controls(filters, kinds, all) {
  return h(
    "div",
    { class: "controls", role: "search" },
    searchField(filters.get("q") ?? ""),
    kindButtons(kinds, all),
    statuses(filters, all),
    orders(filters),
  );
}

/** @param {string} query */
function searchField(query) {
  return h(
    "label",
    { class: "search" },
    h("span", { class: "unseen" }, "Search"),
    h("input", {
      type: "search",
      name: "q",
      value: query,
      placeholder: "Any identifier, reference or place",
      autocomplete: "off",
      spellcheck: "false",
      oninput: search,
    }),
  );
}

/**
 * @param {Kinds} kinds
 * @param {Line[]} all
 */
function kindButtons({ names, isWide }, all) {
  const count = (/** @type {string} */ kind) => all.filter((line) => line.row.kind === kind).length;
  const unchosen = isWide ? Object.keys(KINDS) : USUAL;
  const toggled = (/** @type {string} */ kind) => {
    const now = names.includes(kind) ? names.filter((one) => one !== kind) : [...names, kind];
    const same = now.length === unchosen.length && unchosen.every((one) => now.includes(one));
    return same || !now.length ? "" : now.join(",");
  };
  return h(
    "div",
    { class: "choice", role: "group", "aria-label": "Kinds" },
    Object.entries(KINDS).map(([kind, word]) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(names.includes(kind)),
          onclick: () => apply({ kind: toggled(kind) }),
        },
        `${word} `,
        h("span", { class: "count figures" }, count(kind)),
      ),
    ),
  );
}

/**
 * @param {URLSearchParams} filters
 * @param {Line[]} all
 */
function statuses(filters, all) {
  const found = [...new Set(all.map((line) => line.status))].sort();
  const options = [["", "Any status"], ...found.map((one) => [one, STATUS[one] ?? plain(one)])];
  return select("Status", filters.get("status") ?? "", options, (status) => apply({ status }));
}

/** @param {URLSearchParams} filters */
function orders(filters) {
  const sort = (filters.get("sort") ?? "needs").replace(/^-/, "");
  return select("Order", sort, Object.entries(SORTS), (one) => apply({ sort: one === "needs" ? "" : one }));
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string[][]} options
 * @param {(value: string) => void} onPick
 */
function select(name, value, options, onPick) {
  return h(
    "label",
    { class: "select" },
    h("span", { class: "name" }, name),
    h(
      "select",
      { name: name.toLowerCase(), onchange: (event) => onPick(/** @type {HTMLSelectElement} */ (event.target).value) },
      options.map(([key, word]) => h("option", { value: key, selected: key === value }, word)),
    ),
  );
}

/**
 * Narrows the list, as a step that can be gone back on.
 * @param {Record<string, string>} changes
 */
export function apply(changes) {
  location.hash = withFilters(changes);
}

/** @param {InputEvent} event */
function search(event) {
  const query = /** @type {HTMLInputElement} */ (event.target).value.trim();
  setFilters({ q: query });
  changed();
  clearTimeout(asking);
  if (state.truncated && query.length > 2) asking = setTimeout(() => findRows(query), 300);
}

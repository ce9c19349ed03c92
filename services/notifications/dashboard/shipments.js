// The list of what travels: what needs somebody first, then everything else.

import { flash, h, list } from "./dom.js";
import { MATTERS, confidence, status, tag } from "./marks.js";
import { read, setFilters, withFilters } from "./route.js";
import { age, by, head, place, subjectLink, time } from "./shell.js";
import { changed, lines, placeName, state } from "./state.js";
import { findRows } from "./sync.js";
import { ago } from "./time.js";
import { KINDS, STATUS, plain, subject } from "./words.js";

const SHOWN_FIRST = 200;
const USUAL = ["consignment", "container", "train"];
const ORDER = ["train", "consignment", "container", "wagon", "run"];
const CHIPS = {
  all: "All",
  needs: "Needs attention",
  violation: "Violations",
  held: "Held",
  exception: "Exceptions",
  undeclared: "Not declared",
  silent: "Silent",
};
const SORTS = { needs: "What needs attention", seen: "Last observed", subject: "Identifier", status: "Status" };

let shown = SHOWN_FIRST;
let shownFor = "";
let asking;

export function shipments() {
  const { filters } = read();
  const query = filters.get("q") ?? "";
  const chip = filters.get("needs") ?? "all";
  const kinds = filters.get("kind")?.split(",") ?? USUAL;
  const all = lines();
  const ofKind = all.filter((line) => kinds.includes(line.row.kind) || query);
  const found = ofKind.filter(finder(query, filters.get("status")));
  const wanted = found.filter(CHIP_TESTS[chip] ?? CHIP_TESTS.all).sort(SORTERS[filters.get("sort")] ?? SORTERS.needs);
  if (shownFor !== location.hash) [shownFor, shown] = [location.hash, SHOWN_FIRST];
  const visible = wanted.slice(0, shown);
  const needs = found.filter(CHIP_TESTS.needs).length;
  const about = h(
    "p",
    { class: "about", role: "status" },
    state.loaded
      ? `${wanted.length} of ${all.length} shown; ${needs ? `${needs} need attention` : "nothing needs attention"}`
      : "Loading",
  );
  return {
    title: "Shipments",
    tree: h(
      "main",
      { id: "main", "data-key": "main", class: "shipments" },
      head("Shipments", about),
      chips(found, chip),
      controls(filters, query, kinds, all),
      table(filters),
      wanted.length === 0 && empty(query, filters, all.length),
      wanted.length > shown &&
        h(
          "div",
          { class: "further" },
          h(
            "button",
            { type: "button", onclick: showMore },
            `Show ${Math.min(SHOWN_FIRST, wanted.length - shown)} more`,
          ),
          h("span", null, ` ${wanted.length - shown} are not shown`),
        ),
      state.truncated &&
        h("p", { class: "note" }, "There are more than this page holds at once; a search finds the others."),
    ),
    fill(root) {
      const body = root.querySelector("tbody");
      const now = state.clock.now();
      list(body, visible, {
        key: (line) => line.row.subject,
        signature: (line) => signature(line, now),
        build: row,
        onChange: (el, line, isNew) => state.touched.has(line.row.subject) && (isNew || state.loaded) && flash(el),
      });
    },
  };
}

function showMore() {
  shown += SHOWN_FIRST;
  changed();
}

const CHIP_TESTS = {
  all: () => true,
  needs: (line) => line.matters.length > 0,
  ...Object.fromEntries(
    Object.keys(MATTERS).map((kind) => [kind, (line) => line.matters.some((m) => m.kind === kind)]),
  ),
};

const kindOrder = (a, b) => ORDER.indexOf(a.row.kind) - ORDER.indexOf(b.row.kind);
const seenOrder = (a, b) => (Date.parse(b.at) || 0) - (Date.parse(a.at) || 0);
const nameOrder = (a, b) => (a.row.subject < b.row.subject ? -1 : 1);
const SORTERS = {
  needs: (a, b) => a.rank - b.rank || kindOrder(a, b) || seenOrder(a, b) || nameOrder(a, b),
  seen: (a, b) => seenOrder(a, b) || nameOrder(a, b),
  subject: (a, b) => kindOrder(a, b) || nameOrder(a, b),
  status: (a, b) =>
    a.row.status < b.row.status ? -1 : a.row.status > b.row.status ? 1 : seenOrder(a, b) || nameOrder(a, b),
};

/** A test for what is searched: every word in some identifier, place or status, however it is spaced. */
function finder(query, wanted) {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .map((word) => word.replace(/[-/]/g, ""))
    .filter(Boolean);
  return (line) => {
    if (wanted && line.row.status !== wanted) return false;
    if (!words.length) return true;
    const text = haystack(line.row);
    return words.every((word) => text.includes(word));
  };
}

const haystacks = new WeakMap();

function haystack(row) {
  if (!haystacks.has(row)) {
    const others = (row.associations ?? []).map((a) => a.subject);
    const places = [row.point, row.origin, row.destination].filter(Boolean).map((p) => `${p} ${placeName(p)}`);
    const parts = [
      row.subject,
      row.run,
      STATUS[row.status],
      ...(row.members ?? []),
      ...others,
      ...(row.references ?? []),
      ...places,
    ];
    haystacks.set(row, parts.join(" ").toLowerCase().replace(/[-/]/g, ""));
  }
  return haystacks.get(row);
}

function chips(found, chosen) {
  return h(
    "nav",
    { class: "chips", "aria-label": "What needs attention" },
    Object.entries(CHIPS).map(([name, word]) => {
      const count = found.filter(CHIP_TESTS[name]).length;
      const [shape, tone] = MATTERS[name] ?? [];
      const inner = shape ? tag(shape, count ? tone : "quiet", word) : h("span", { class: "tag" }, word);
      return h(
        "a",
        {
          class: count ? "chip" : "chip none",
          href: withFilters({ needs: name === "all" ? "" : name }),
          "aria-current": name === chosen ? "true" : null,
        },
        inner,
        h("b", { class: "figures" }, count),
      );
    }),
  );
}

function controls(filters, query, kinds, all) {
  const count = (kind) => all.filter((line) => line.row.kind === kind).length;
  const statuses = [...new Set(all.map((line) => line.row.status))].sort();
  const toggled = (kind) => {
    const now = kinds.includes(kind) ? kinds.filter((k) => k !== kind) : [...kinds, kind];
    const same = now.length === USUAL.length && USUAL.every((k) => now.includes(k));
    return same || !now.length ? "" : now.join(",");
  };
  return h(
    "div",
    { class: "controls", role: "search" },
    h(
      "label",
      { class: "search" },
      h("span", { class: "unseen" }, "Search"),
      h("input", {
        type: "search",
        name: "q",
        value: query,
        placeholder: "Container, wagon, train, consignment, reference, place",
        autocomplete: "off",
        spellcheck: "false",
        oninput: search,
      }),
    ),
    h(
      "div",
      { class: "choice", role: "group", "aria-label": "Kinds" },
      Object.entries(KINDS).map(([kind, word]) =>
        h(
          "button",
          {
            type: "button",
            "aria-pressed": String(kinds.includes(kind)),
            onclick: () => apply({ kind: toggled(kind) }),
          },
          `${word} `,
          h("span", { class: "count figures" }, count(kind)),
        ),
      ),
    ),
    select(
      "Status",
      filters.get("status") ?? "",
      [["", "Any status"], ...statuses.map((s) => [s, STATUS[s] ?? plain(s)])],
      (status) => apply({ status }),
    ),
    select("Order", filters.get("sort") ?? "needs", Object.entries(SORTS), (sort) =>
      apply({ sort: sort === "needs" ? "" : sort }),
    ),
  );
}

function select(name, value, options, onPick) {
  return h(
    "label",
    { class: "select" },
    h("span", { class: "name" }, name),
    h(
      "select",
      { name: name.toLowerCase(), onchange: (event) => onPick(event.target.value) },
      options.map(([key, word]) => h("option", { value: key, selected: key === value }, word)),
    ),
  );
}

function apply(changes) {
  location.hash = withFilters(changes);
}

function search(event) {
  const query = event.target.value.trim();
  setFilters({ q: query });
  changed();
  clearTimeout(asking);
  if (state.truncated && query.length > 2) asking = setTimeout(() => findRows(query), 300);
}

function table(filters) {
  const sort = filters.get("sort") ?? "needs";
  const column = (word, by, className) =>
    h(
      "th",
      {
        scope: "col",
        role: "columnheader",
        class: className,
        "aria-sort": by && sort === by ? (by === "seen" ? "descending" : "ascending") : null,
      },
      word,
    );
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
        column("Where", null),
        column("Last observed", "seen"),
        column("At", null, "wide"),
        column("How sure", null, "sure"),
        column("Needs attention", "needs"),
        column("Belongs to", null, "wider"),
      ),
    ),
    h("tbody", { role: "rowgroup", "data-own": "" }),
  );
}

function signature(line, now) {
  const { row, seen, matters } = line;
  return JSON.stringify([
    row.recorded_at,
    row.status,
    seen?.point,
    seen?.others,
    line.at && ago(line.at, now),
    line.fresh,
    matters.map((m) => m.word + (m.fact?.fact ?? "")),
    state.zone,
    state.points.size,
    row.associations?.length,
  ]);
}

function row(line) {
  const { row: shown, seen, at, fresh, matters } = line;
  const cell = (className, ...content) => h("td", { role: "cell", class: className }, ...content);
  return h(
    "tr",
    {
      role: "row",
      "data-key": shown.subject,
      class: matters.length ? `needs rank${Math.min(3, Math.floor(line.rank))}` : null,
    },
    cell("what", h("span", { class: "kind" }, shown.kind), subjectLink(shown.subject, { always: true })),
    cell("status", status(shown.status)),
    cell(
      "where",
      seen
        ? [place(seen), seen.others ? h("span", { class: "more" }, ` + ${seen.others} more`) : null]
        : h(
            "span",
            { class: "quiet" },
            shown.origin ? `not seen yet, from ${placeName(shown.origin)}` : "not seen yet",
          ),
    ),
    cell(
      "seen",
      at
        ? [
            age(at, { fades: Boolean(fresh) }),
            " ",
            by(seen.row.reported_by),
            h("span", { class: "sureness" }, confidence(seen.row.confidence)),
          ]
        : h("span", { class: "quiet" }, "never"),
    ),
    cell("at wide", at && time(at, { point: seen.point })),
    cell("sure", at && confidence(seen.row.confidence)),
    cell("matters", matters.length ? h("ul", null, shortened(matters).map(matterTag)) : null),
    cell("with wider", belongings(shown)),
  );
}

const MOST_TAGS = 3;

function shortened(matters) {
  const words = new Map();
  for (const one of matters) words.set(one.word, [...(words.get(one.word) ?? []), one]);
  const all = [...words.values()].map(([first, ...same]) => ({ ...first, count: same.length + 1 }));
  if (all.length <= MOST_TAGS) return all;
  return [...all.slice(0, MOST_TAGS - 1), { kind: "more", word: `${all.length - MOST_TAGS + 1} more` }];
}

function matterTag(one) {
  const [shape, tone] = MATTERS[one.kind] ?? ["ring", "quiet"];
  return h("li", null, tag(shape, tone, one.count > 1 ? `${one.word} × ${one.count}` : one.word));
}

function belongings(shown) {
  const now = (shown.associations ?? []).filter((a) => !a.end && a.relation !== "carries").map((a) => a.subject);
  const others = [...new Set([...now, shown.run].filter(Boolean))].slice(0, 3);
  const route =
    shown.destination && h("span", { class: "more" }, `${placeName(shown.origin)} to ${placeName(shown.destination)}`);
  return [
    route,
    ...others.map((key) =>
      h("span", { class: "other" }, h("span", { class: "kind" }, subject(key).kind), " ", subjectLink(key)),
    ),
  ];
}

/** Says what would be here, and why it is not. */
function empty(query, filters, known) {
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
  const filtered = [
    query && `“${query}”`,
    filters.get("status") && `status “${STATUS[filters.get("status")] ?? filters.get("status")}”`,
    filters.get("needs") && CHIPS[filters.get("needs")]?.toLowerCase(),
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

// What the page knows, and what follows from it. Nothing here asks the network or touches the document.

import { Clock } from "./time.js";

/** @import { Item, Row, State } from "../dashboard.d.ts" */

/** So many items are kept, besides older ones that somebody asks for. */
export const KEPT_ITEMS = 300;

/** @type {State} */
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
  older: { items: [], isAll: false, isAsked: false, failure: null },
  seen: new Set(),
  replaced: new Map(),
  connection: { phase: "connecting", heard: null, next: null },
  trouble: null,
  away: {},
  signedOut: null,
  loaded: false,
  page: { key: null, data: null, failure: null, tries: 0 },
  touched: new Set(),
};

let paint = () => {};
let owed = false;

/**
 * Sets what paints the page.
 * @param {() => void} painter
 */
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

/**
 * Takes rows of the overview; all of them, or those that have changed.
 * @param {Row[]} rows
 * @param {boolean} isAll
 */
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

/**
 * Takes an item, once; returns whether it was new. `isNews` marks it for a moment.
 * @param {Item} item
 * @param {boolean} isNews
 */
export function takeItem(item, isNews) {
  if (state.seen.has(item.item)) return false;
  state.seen.add(item.item);
  const [oldest] = state.seen;
  if (state.seen.size > 20 * KEPT_ITEMS) state.seen.delete(oldest);
  state.clock.reach(item.recorded_at);
  state.items.push(item);
  if (state.items.length > 2 * KEPT_ITEMS) drop(state.items.splice(0, state.items.length - KEPT_ITEMS));
  if (item.supersedes) {
    state.replaced.set(item.supersedes, item);
    if (isNews) state.touched.add(`replaced ${item.supersedes}`);
  }
  if (isNews) state.touched.add(item.item);
  changed();
  return true;
}

/**
 * What is too old to be kept goes, unless somebody has asked for what is older still: then nothing between may be
 * missing.
 * @param {Item[]} items
 */
function drop(items) {
  state.older.isAll = false;
  if (state.older.items.length) state.older.items.push(...items);
  else for (const gone of items) state.replaced.delete(gone.item);
}

/**
 * Takes items before those that are known.
 * @param {Item[]} items
 */
export function takeOlder(items) {
  state.older.items.unshift(...items);
  for (const item of items) if (item.supersedes) state.replaced.set(item.supersedes, item);
  changed();
}

/**
 * "Zahedan, IR".
 * @param {string | undefined} point
 * @param {string} [country]
 * @returns {string}
 */
export function placeName(point, country) {
  const known = state.points.get(point ?? "");
  const name = known?.name ?? point ?? "";
  const of = known?.country ?? country;
  return of ? `${name}, ${of}` : name;
}

/**
 * The zone of a point; of a country, where all its points keep the same one.
 * @param {string | undefined} point
 * @param {string} [country]
 */
export function zoneOf(point, country) {
  if (point) return state.points.get(point)?.zone;
  const zones = new Set([...state.points.values()].filter((p) => p.country === country).map((p) => p.zone));
  return zones.size === 1 ? [...zones][0] : undefined;
}

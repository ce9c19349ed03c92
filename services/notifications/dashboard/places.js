// Where somebody was on each page of the history: who comes back finds the list as it was left, with the same link in
// focus.

/** @import { Drawn } from "../dashboard.d.ts" */

/**
 * How far down the page was, and what had the focus: the `nth` link or field of what has `key`.
 * @typedef {{ top: number, key?: string, nth?: number }} Place
 */

/** @type {Map<string, Place>} */
const places = new Map();
let made = 0;
/** @type {string | null} */
let entry = null;
/** @type {string | null} */
let shown = null;
/** @type {Place | null} */
let owed = null;
/** @type {{ href: string, place: Place | null }} */
const list = { href: "#/shipments", place: null };

const FOCUSABLE = "a[href], button, input, select, summary";

/**
 * Notes that another page of the history is shown, before it is painted: what was painted is still there to be read.
 * @param {string} view
 */
export function moved(view) {
  if (entry) places.set(entry, placeNow());
  if (shown === "shipments") list.place = places.get(entry ?? "") ?? null;
  shown = view;
  const known = history.state?.entry;
  owed = places.get(known) ?? (view === "shipments" && href() === list.href ? list.place : null);
  entry = known ?? `${Date.now()}-${made++}`;
  if (!known) history.replaceState({ entry }, "");
}

/** Whether a place is still to be found again. */
export function isBack() {
  return owed !== null;
}

/**
 * Finds the place again, as soon as what was there is painted.
 * @param {Drawn} root
 * @param {boolean} isReady
 */
export function restore(root, isReady) {
  if (!owed || !isReady) return;
  const { top, key, nth = -1 } = owed;
  owed = null;
  const holder = [...root.querySelectorAll("[data-key]")].find((el) => key && el.getAttribute("data-key") === key);
  if (holder) focusable(holder)[nth]?.focus({ preventScroll: true });
  scrollTo(0, top);
}

/** The address of the list as it was last looked at, with its filters. */
export function lastList() {
  return list.href;
}

export function noteList() {
  list.href = href();
}

function href() {
  return location.hash.length > 2 ? location.hash : "#/shipments";
}

/** @returns {Place} */
function placeNow() {
  const active = document.activeElement;
  const holder = active?.closest("main [data-key]");
  if (!active || !holder) return { top: scrollY };
  const key = holder.getAttribute("data-key") ?? undefined;
  return { top: scrollY, key, nth: focusable(holder).findIndex((el) => el === active) };
}

/**
 * @param {Element} holder
 * @returns {HTMLElement[]}
 */
function focusable(holder) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (holder.querySelectorAll(FOCUSABLE))];
}

// The browser would scroll in a list that is not painted yet.
history.scrollRestoration = "manual";

// Where somebody was on each page of the history: who comes back finds the list as it was left, with the same link in
// focus.

const places = new Map();
let made = 0;
let entry = null;
let shown = null;
let owed = null;
const list = { href: "#/shipments", place: null };

const FOCUSABLE = "a[href], button, input, select, summary";

/** Notes that another page of the history is shown, before it is painted: what was painted is still there to be read. */
export function moved(view) {
  if (entry) places.set(entry, placeNow());
  if (shown === "shipments") list.place = places.get(entry);
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

/** Finds the place again, as soon as what was there is painted. */
export function restore(root, isReady) {
  if (!owed || !isReady) return;
  const { top, key, nth } = owed;
  owed = null;
  const holder = key && [...root.querySelectorAll("[data-key]")].find((el) => el.dataset.key === key);
  holder?.querySelectorAll(FOCUSABLE)[nth]?.focus({ preventScroll: true });
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

function placeNow() {
  const active = document.activeElement;
  const holder = active?.closest("main [data-key]");
  if (!holder) return { top: scrollY };
  return { top: scrollY, key: holder.dataset.key, nth: [...holder.querySelectorAll(FOCUSABLE)].indexOf(active) };
}

// The browser would scroll in a list that is not painted yet.
history.scrollRestoration = "manual";

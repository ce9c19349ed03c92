// Starts the page and paints it: once a frame, whatever has changed.

import { h, morph, part } from "./dom.js";
import { live } from "./live.js";
import { isBack, moved, restore } from "./places.js";
import { read } from "./route.js";
import { bar, head, loadZone, trouble } from "./shell.js";
import { shipments } from "./shipments.js";
import { changed, onPaint, state } from "./state.js";
import { subjectPage } from "./subject.js";
import { loadPage, openWith, signOut, start } from "./sync.js";
import { isLink, share, takeLink } from "./session.js";

/** @import { View } from "../dashboard.d.ts" */

/** @type {Record<string, () => View>} */
const VIEWS = { shipments, live, subject: subjectPage, nowhere };
const AGES_MOVE_EVERY = 15_000;

const app = part(document.body, "#app");
/** @type {string | null} */
let painted = null;

function paint() {
  if (state.signedOut !== null) return paintDoor();
  const { view } = read();
  const { title, tree, fill, isReady } = VIEWS[view]();
  document.title = `${title} - Corridor`;
  const page = h("div", { id: "app" }, bar(), trouble(), tree);
  // Another view has other lists: it is made anew, not out of the one before.
  const isOther = painted !== placeOf();
  if (isOther) app.querySelector("main")?.remove();
  morph(app, page);
  fill(part(app, "main"));
  if (isOther && painted !== null && !isBack()) {
    app.querySelector("h1")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  restore(app, isReady);
  painted = placeOf();
}

function placeOf() {
  const { view, subject } = read();
  return `${view} ${subject ?? ""}`;
}

/**
 * What an address leads to that is none of ours: cut off by a letter, say.
 * @returns {View}
 */
function nowhere() {
  const tree = h(
    "main",
    { id: "main", "data-key": "main" },
    head("No such page"),
    h(
      "div",
      { class: "empty" },
      h("p", null, h("b", null, "The address of this page is not complete, or not one of this site.")),
      h("p", null, h("a", { href: "#/shipments" }, "Show all shipments")),
    ),
  );
  return { title: "No such page", tree, fill() {}, isReady: true };
}

function paintDoor() {
  document.title = "Corridor";
  const open = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    openWith(String(new FormData(form).get("link")));
  };
  morph(
    app,
    h(
      "div",
      { id: "app" },
      h(
        "main",
        { id: "main", "data-key": "main", class: "door" },
        h("h1", null, "Corridor"),
        h("p", null, state.signedOut),
        h("p", null, "This page opens with the link that you were given; it shows what its party may see."),
        h(
          "form",
          { onsubmit: open },
          h(
            "label",
            null,
            h("span", null, "Link or token"),
            h("input", { name: "link", type: "password", autocomplete: "off", required: true }),
          ),
          h("button", { type: "submit" }, "Open"),
        ),
      ),
    ),
  );
  painted = null;
}

function navigate() {
  // Somebody has opened another party's link in this very tab.
  if (isLink(location.hash)) return void openWith(location.hash);
  const { view, subject } = read();
  moved(view);
  if (subject && state.signedOut === null) loadPage(subject);
  else state.page = { key: null, data: null, failure: null, tries: 0 };
  changed();
}

function foldIn() {
  document.querySelector("details.who")?.removeAttribute("open");
}

/**
 * @param {EventTarget | null} target
 * @param {string} selector
 */
function isIn(target, selector) {
  return target instanceof Element && target.closest(selector) !== null;
}

addEventListener("hashchange", navigate);
addEventListener("keydown", (event) => {
  const typing = isIn(event.target, "input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.querySelector("input[type=search]");
    if (field instanceof HTMLElement) {
      event.preventDefault();
      field.focus();
    }
  }
  if (event.key === "Escape") foldIn();
});
addEventListener("click", (event) => {
  if (!isIn(event.target, "details.who")) foldIn();
});
// What is told in words grows old: ages by the quarter minute, the next try by the second.
setInterval(changed, AGES_MOVE_EVERY);
setInterval(() => (state.connection.next || state.trouble) && changed(), 1000);

onPaint(paint);
loadZone();
const isSomebody = await takeLink();
share(() => signOut("You have left in another tab. The link opens the page again."));
if (isSomebody) start();
else state.signedOut = "Nobody is signed in here.";
navigate();

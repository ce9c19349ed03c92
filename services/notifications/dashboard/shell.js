// What every view has around it: who is looking, how true the connection is, and which clock times are told by.

import { h } from "./dom.js";
import { mark, tag } from "./marks.js";
import { read, subjectHref } from "./route.js";
import { changed, placeName, state, zoneOf } from "./state.js";
import { leaveAll, retryNow } from "./sync.js";
import { ago, day, freshness, here, inUtc, isDay, tell } from "./time.js";
import { ROLES, SOURCES, party, subject } from "./words.js";

/** @import { Child, Connection, Drawn, Where, Zone } from "../dashboard.d.ts" */

const ZONE = "corridor.zone";
/** @type {Record<Zone, string>} */
const ZONES = { place: "Place", mine: "Mine", utc: "UTC" };

export function loadZone() {
  const kept = localStorage.getItem(ZONE) ?? "";
  if (isZone(kept)) state.zone = kept;
}

export function bar() {
  const { view } = read();
  /** @type {(name: string, href: string, word: string) => Drawn} */
  const link = (name, href, word) => h("a", { href, "aria-current": view === name ? "page" : null }, word);
  return h(
    "header",
    { class: "bar", "data-key": "bar" },
    h("a", { class: "skip", href: "#main", onclick: skip }, "To the content"),
    h("a", { class: "brand", href: "#/shipments" }, h("span", null, "Corridor")),
    h(
      "nav",
      { "aria-label": "Views" },
      link("shipments", "#/shipments", "Shipments"),
      link("live", "#/live", "Live items"),
    ),
    connection(),
    who(),
  );
}

/** @param {MouseEvent} event */
function skip(event) {
  event.preventDefault();
  document.querySelector("h1")?.focus();
}

/** @type {Record<string, [shape: string, tone: string, word: (now: Connection) => string]>} */
const PHASES = {
  connecting: ["ring", "quiet", () => "Connecting"],
  live: ["dot", "good", () => "Live"],
  reconnecting: ["dashed", "warn", () => "Reconnecting"],
  lacking: ["triangle", "warn", () => "Live, in part"],
  stale: ["triangle", "bad", ({ heard }) => `Stale since ${here(heard ?? 0)}`],
  refused: ["cross", "bad", () => "Not let in"],
};

function connection() {
  const { connection: now } = state;
  const lacks = now.phase === "live" && Object.keys(state.away).length > 0;
  const [shape, tone, word] = PHASES[lacks ? "lacking" : now.phase];
  const wait = (now.next ?? 0) - Date.now();
  return h(
    "div",
    { class: "connection", "data-phase": now.phase },
    h("span", { role: "status", class: "phase" }, tag(shape, tone, word(now))),
    wait > 0 && h("span", { class: "soon" }, `next try in ${Math.ceil(wait / 1000)} s`),
    wait > 0 && h("button", { type: "button", class: "small", onclick: retryNow }, "Try now"),
  );
}

function who() {
  const { me } = state;
  if (!me) return h("div", { class: "who" });
  return h(
    "details",
    { class: "who" },
    h("summary", null, h("b", null, me.name), h("span", { class: "role" }, ` ${me.role}`)),
    h(
      "div",
      { class: "panel" },
      h("p", null, "You see this page as ", h("b", null, me.name), me.country ? `, ${me.country}.` : "."),
      h("p", null, `You see what is for a ${ROLES[me.role] ?? me.role}.`),
      h(
        "button",
        { type: "button", onclick: leaveAll, title: "Also in other tabs that show this party's page" },
        "Leave this page",
      ),
    ),
  );
}

/** What does not work now, what still does, and what will be tried when. */
export function trouble() {
  const found = state.trouble;
  if (!found) return missing();
  const works = state.loaded ? " What is shown is as it was last known." : "";
  const next = Math.max(0, Math.ceil((found.next - Date.now()) / 1000));
  return h(
    "div",
    { class: "trouble", role: "alert", "data-key": "trouble" },
    mark("triangle", "bad"),
    h("span", null, found.what, works),
    h("span", { "aria-hidden": "true" }, next ? `Next try in ${next} s.` : "Trying now."),
  );
}

/** That the connection is good, and yet some news cannot come. */
function missing() {
  const found = Object.entries(state.away);
  if (!found.length) return null;
  const said = found.map(([source, instant]) => {
    const since = tell(instant, { by: "mine", now: Date.now() });
    return `Nothing new comes in about ${SOURCES[source] ?? source} since ${since.text} ${since.offset}.`;
  });
  return h(
    "div",
    { class: "trouble missing", role: "status", "data-key": "missing" },
    mark("triangle", "warn"),
    h("span", null, said.join(" "), " The service that tells of it is not at work."),
  );
}

/**
 * The head of a view: its title, a line about it, and the clocks; `point` is where the view is about, if anywhere.
 * @param {Child} title
 * @param {Child} [about]
 * @param {string} [point]
 */
export function head(title, about, point) {
  const titled = h("div", { class: "title" }, h("h1", { tabindex: "-1" }, title), about);
  return h("div", { class: "head" }, titled, clocks(point));
}

/**
 * What is at many places has no clock of its own: then that of the place is UTC.
 * @param {string | undefined} point
 */
function clocks(point) {
  const now = state.clock.now();
  const at = tell(new Date(now).toISOString(), { by: state.zone, zone: zoneOf(point), now });
  const where = state.zone === "place" && zoneOf(point) ? ` in ${placeName(point)}` : "";
  const set = (/** @type {Zone} */ zone) => () => {
    state.zone = zone;
    localStorage.setItem(ZONE, zone);
    changed();
  };
  return h(
    "div",
    { class: "clocks" },
    h(
      "span",
      { class: "now", title: at.utc },
      h("span", { class: "label" }, state.clock.stepped ? "Corridor at " : "Now "),
      h("b", { class: "figures" }, at.text),
      ` ${at.offset}`,
      h("span", { class: "more" }, where),
    ),
    h(
      "div",
      { class: "choice", role: "group", "aria-label": "Times are told by" },
      Object.keys(ZONES)
        .filter(isZone)
        .map((zone) =>
          h(
            "button",
            {
              type: "button",
              "aria-pressed": String(state.zone === zone),
              onclick: set(zone),
              title: ZONE_TITLES[zone],
            },
            ZONES[zone],
          ),
        ),
    ),
  );
}

/**
 * @param {string} name
 * @returns {name is Zone}
 */
function isZone(name) {
  return name in ZONES;
}

/** @type {Record<Zone, string>} */
const ZONE_TITLES = {
  place: "The clock of the place where it happened",
  mine: "Your own clock",
  utc: "Universal time",
};

/**
 * An instant, by the clock that is chosen, with the offset; UTC where the pointer rests. For `where` see clocks.js.
 * @param {string} instant
 * @param {Where} where
 */
export function time(instant, { point, country, occurred, why } = {}) {
  const now = state.clock.now();
  if (isDay(occurred)) {
    return h(
      "span",
      { class: "time", title: "Only the day was reported" },
      day(occurred, now),
      h("span", { class: "offset" }, " day only"),
    );
  }
  const told = tell(instant, { by: state.zone, zone: zoneOf(point, country), occurred, now });
  const lent = why && state.zone === "place" && told.offset !== "UTC";
  return h(
    "time",
    {
      class: lent ? "time lent" : "time",
      datetime: instant,
      title: lent ? `${told.utc}; told by the clock of ${why}` : told.utc,
    },
    told.text,
    h("span", { class: "offset" }, ` ${told.offset}`),
  );
}

/**
 * What the underline of some times means, where any of `wheres` borrows its clock.
 * @param {Where[]} wheres
 */
export function lentHint(wheres) {
  if (state.zone !== "place" || !wheres.some((where) => where.why)) return null;
  return h("p", { class: "hint" }, "An underlined time names no place: rest on it to see by whose clock it is told.");
}

/**
 * How long ago, looking as old as it is.
 * @param {string} instant
 * @param {{ fades?: boolean }} how
 */
export function age(instant, { fades = true } = {}) {
  const now = state.clock.now();
  const look = fades ? freshness(instant, now, state.silentHours) : "ended";
  const silent = look === "silent" ? `; silent, which is ${state.silentHours} h or more without a report` : "";
  return h("span", { class: `age ${look}`, title: inUtc(instant, now) + silent }, ago(instant, now));
}

/**
 * "at Zahedan, IR", "left Taftan, PK".
 * @param {{ point?: string, moving?: boolean, country?: string }} where
 */
export function place({ point, moving, country }) {
  return h(
    "span",
    { class: "place" },
    moving ? "left " : "at ",
    h("b", null, placeName(point, country)),
    moving ? h("span", { class: "quiet", "aria-hidden": "true" }, " →") : null,
  );
}

/**
 * A subject as a link to its page, where it has one that may be seen.
 * @param {string} key
 * @param {{ always?: boolean }} how
 */
export function subjectLink(key, { always = false } = {}) {
  const { id, more, title } = subject(key);
  const text = [h("b", { class: "id" }, id), more && [" ", h("span", { class: "more", title }, more)]];
  const known = always || state.rows.has(key);
  return known ? h("a", { href: subjectHref(key), class: "subject" }, text) : h("span", { class: "subject" }, text);
}

/**
 * Who has said so. What is inferred nobody has said: it follows from what that party reported.
 * @param {string | undefined} key
 * @param {string} [confidence]
 */
export function by(key, confidence) {
  if (!key) return null;
  return h("span", { class: "by" }, `${confidence === "inferred" ? "from a report by" : "by"} ${party(key)}`);
}

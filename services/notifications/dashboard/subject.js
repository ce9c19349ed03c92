// One subject: where it is, since when and how sure; what needs somebody; what it belongs to; and its timeline.

import { borrowed, whereOf, whereabouts } from "./clocks.js";
import { sayings } from "./disputes.js";
import { h } from "./dom.js";
import { expected } from "./expected.js";
import { isExpected, pageOf } from "./facts.js";
import { lineOf, lineOfPart } from "./lines.js";
import { MATTERS, confidence, mark, status, tag } from "./marks.js";
import { lastList } from "./places.js";
import { read } from "./route.js";
import { age, by, head, place, subjectLink, time } from "./shell.js";
import { placeName, state } from "./state.js";
import { duration, moment } from "./time.js";
import { factsOf, timeline } from "./timeline.js";
import { RELATIONS, apart, capital, plain, reference, subject as named } from "./words.js";

/** @import { Association, Child, Line, Matter, Page, Place, Sighting, Subject, Told, View } from "../dashboard.d.ts" */

/** @returns {View} */
export function subjectPage() {
  const { subject = "", filters } = read();
  const { data, failure } = state.page.key === subject ? state.page : { data: null, failure: null };
  const line = lineOf(subject);
  const name = named(subject);
  const title = `${capital(name.kind)} ${name.id}`;
  const heading = [
    h("span", { class: "kind" }, name.kind),
    " ",
    name.id,
    name.more && h("span", { class: "more", title: name.title }, ` ${name.more}`),
  ];
  const back = h("a", { href: lastList(), class: "back" }, "All shipments");
  const main = (/** @type {Child[]} */ ...content) =>
    h("main", { id: "main", "data-key": "main", class: "subjectpage" }, ...content);
  const titled = head(heading, back, data?.place?.point ?? line?.seen?.point);
  if (!data) {
    const tree = main(titled, needs(subject, line), absent(failure, line));
    return { title, tree, fill() {}, isReady: Boolean(failure) };
  }
  const facts = factsOf(data);
  const told = timeline(data, facts, line, filters.get("topic") ?? "");
  return {
    title,
    isReady: true,
    tree: main(
      titled,
      failure &&
        h("p", { class: "note", "data-key": "note" }, "This page could not be refreshed; it is shown as last known."),
      h(
        "div",
        { class: "columns", "data-key": "columns" },
        h("div", { class: "side" }, summary(data, facts, line), needs(subject, line, whereabouts(facts)), expected(data.expected)),
        told.tree,
        h("div", { class: "side" }, belongings(data, facts), members(data)),
      ),
    ),
    fill: told.fill,
  };
}

/**
 * @param {Page["failure"]} failure
 * @param {Line | null} line
 */
function absent(failure, line) {
  if (!failure) return h("p", { class: "empty" }, "The subject is being loaded.");
  if (failure.passes) {
    return h(
      "div",
      { class: "empty" },
      h("p", null, h("b", null, "The service does not answer.")),
      h("p", null, "It is asked again in a few seconds."),
    );
  }
  const what = line?.matters.length
    ? "No report of it counts yet: it is not known, or not yours to see, where it is."
    : "Nothing is known of it, or it is not yours to see.";
  return h(
    "div",
    { class: "empty" },
    h("p", null, h("b", null, what)),
    h("p", null, "The page fills by itself as soon as there is something that you may see."),
  );
}

/**
 * @param {Subject} data
 * @param {Told[]} facts
 * @param {Line | null} line
 */
function summary(data, facts, line) {
  const seen = data.place ?? ofLine(line);
  const since = seen && !seen.of && stayedSince(facts, seen);
  const shown = data.ended ? "ended" : data.status;
  const fades = !["delivered", "ended", "cancelled"].includes(shown);
  /** @type {(word: string, ...content: Child[]) => Child} */
  const term = (word, ...content) => [h("dt", null, word), h("dd", null, ...content)];
  return h(
    "section",
    { class: "card", "aria-label": "Now", "data-key": "Now" },
    h(
      "p",
      { class: "state" },
      status(shown),
      seen ? [" ", place(seen)] : h("span", { class: "quiet" }, " not seen yet"),
    ),
    h(
      "dl",
      null,
      since &&
        term(
          seen.moving ? "Left" : "There since",
          time(since, { point: seen.point }),
          fades && h("span", { class: "more" }, `, for ${duration(state.clock.now() - moment(since))}`),
        ),
      seen &&
        term(
          "Last observed",
          age(seen.observed_at, { fades }),
          " ",
          by(seen.party, seen.confidence),
          seen.of ? [", as ", subjectLink(seen.of)] : null,
        ),
      seen?.confidence && term("How sure", confidence(seen.confidence)),
      data.last_seen && term("Seen again", seenAgain(data.last_seen, fades)),
      apart(data.units) && term("Units", apart(data.units)),
      data.origin && term("Route", `${placeName(data.origin)} to ${placeName(data.destination)}`),
      data.run && term("Run", subjectLink(data.run)),
      data.references?.length &&
        term(
          "References",
          h(
            "ul",
            { class: "plain" },
            data.references.map((one) => h("li", null, reference(one))),
          ),
        ),
    ),
  );
}

/**
 * When and where it was seen since it came to or left its place.
 * @param {Sighting} sighting
 * @param {boolean} fades
 */
function seenAgain({ observed_at, point, position }, fades) {
  const degrees = position && `${position.latitude.toFixed(2)}° N, ${position.longitude.toFixed(2)}° E`;
  return [age(observed_at, { fades }), h("span", { class: "more" }, ` at ${point ? placeName(point) : degrees}`)];
}

/**
 * Where it was seen as its line has it: by one of its parts, whose name is `of`.
 * @param {Line | null} line
 * @returns {Place | null}
 */
function ofLine(line) {
  if (!line?.seen || !line.at) return null;
  const { row, point, moving } = line.seen;
  return { point, moving, observed_at: line.at, party: row.reported_by, confidence: row.confidence, of: row.subject };
}

/**
 * Since when it has been where it is: the first of the reports from there, without any from elsewhere between.
 * @param {Told[]} facts
 * @param {Place} seen
 */
function stayedSince(facts, seen) {
  const placed = facts.filter((fact) => fact.topic === "milestone" && fact.point && !fact.out_of_order);
  let since = seen.observed_at;
  if (seen.moving) return since;
  for (const fact of placed) {
    if (!fact.instant || moment(fact.instant) > moment(seen.observed_at)) continue;
    if (fact.point !== seen.point) break;
    since = fact.instant;
  }
  return since;
}

/**
 * @param {string} subject
 * @param {Line | null} line
 * @param {(instant: string | undefined) => string | undefined} [at]
 */
function needs(subject, line, at) {
  const open = line?.matters ?? [];
  if (!open.length) return null;
  return h(
    "section",
    {
      class: `card attention rank${Math.min(3, Math.floor(open[0].rank))}`,
      "aria-label": "Needs attention",
      "data-key": "Needs attention",
    },
    h("h2", null, "Needs attention"),
    h(
      "ul",
      { class: "plain" },
      open.map((one) => need(one, subject, at)),
    ),
  );
}

/**
 * @param {Matter} matter
 * @param {string} subject
 * @param {(instant: string | undefined) => string | undefined} [at]
 */
function need({ kind, word, fact, of, since }, subject, at) {
  const [shape, tone] = MATTERS[kind];
  const about = fact ? pageOf(fact) : of;
  const instant = fact?.instant ?? since;
  const where = fact ? whereOf(fact, at) : { point: state.rows.get(of ?? "")?.point };
  return h(
    "li",
    null,
    tag(shape, tone, capital(word)),
    instant && [h("span", { class: "more" }, fact && isExpected(fact) ? " expected " : " since "), time(instant, where)],
    fact?.point && h("span", { class: "more" }, ` ${placeName(fact.point)}`),
    about && about !== subject ? [" ", subjectLink(about)] : null,
    sayings(fact),
  );
}

/**
 * @param {Subject} data
 * @param {Told[]} facts
 */
function belongings(data, facts) {
  // An association begins and ends with some fact, by the clock of whose place it is told.
  const points = new Map(facts.filter((fact) => fact.point).map((fact) => [moment(fact.instant), fact.point]));
  const near = whereabouts(facts);
  const at = (/** @type {string} */ instant) => {
    const point = points.get(moment(instant));
    return time(instant, point ? { point } : borrowed(near(instant)));
  };
  const found = [...(data.associations ?? [])].sort(
    (a, b) => (a.end ? 1 : 0) - (b.end ? 1 : 0) || moment(b.start) - moment(a.start),
  );
  if (!found.length) return null;
  return h(
    "section",
    { class: "card", "aria-label": "Belongs to", "data-key": "Belongs to" },
    h("h2", null, "Belongs to"),
    h(
      "ul",
      { class: "plain intervals" },
      found.map((one) => interval(one, at)),
    ),
  );
}

/**
 * @param {Association} one
 * @param {(instant: string) => Child} at
 */
function interval(one, at) {
  const lasted = one.end && `, ${duration(moment(one.end) - moment(one.start))}`;
  return h(
    "li",
    { class: one.end ? "past" : "current", "data-key": `${one.relation} ${one.subject} ${one.start}` },
    h(
      "span",
      { class: "relation" },
      one.end ? mark("ring", "quiet") : mark("dot", "accent"),
      ` ${RELATIONS[one.relation] ?? plain(one.relation)} `,
    ),
    subjectLink(one.subject),
    h(
      "span",
      { class: "span" },
      at(one.start),
      one.end
        ? [" to ", at(one.end), h("span", { class: "more" }, lasted)]
        : h("span", { class: "more" }, " until now"),
    ),
  );
}

/** @param {Subject} data */
function members(data) {
  if (!data.members?.length) return null;
  return h(
    "section",
    { class: "card", "aria-label": "Consists of", "data-key": "Consists of" },
    h("h2", null, `Consists of ${data.members.length}`),
    h(
      "ul",
      { class: "plain members" },
      data.members.map((key) => {
        const line = lineOfPart(data.subject, key);
        return h(
          "li",
          { "data-key": key },
          subjectLink(key),
          line && [
            h("span", null, status(line.status), " ", line.seen && place(line.seen)),
            line.at && age(line.at, { fades: Boolean(line.fresh) }),
          ],
        );
      }),
    ),
  );
}

// One subject: where it is, since when and how sure; everything that happened to it; what it belongs to.

import { flash, h, list, spaced } from "./dom.js";
import { countryOf, describe, isExpected, matter, pageOf } from "./facts.js";
import { MATTERS, confidence, mark, status, tag } from "./marks.js";
import { read, withFilters } from "./route.js";
import { age, by, head, place, subjectLink, time } from "./shell.js";
import { lineOf, placeName, state } from "./state.js";
import { duration } from "./time.js";
import { RELATIONS, capital, plain, reference, subject as named } from "./words.js";

const TOPICS = { "": "Everything", milestone: "Movements", customs: "Customs", trouble: "Troubles" };

export function subjectPage() {
  const { subject, filters } = read();
  const { data, failure } = state.page.key === subject ? state.page : { data: null, failure: null };
  const name = named(subject);
  const title = `${capital(name.kind)} ${name.id}`;
  const heading = [
    h("span", { class: "kind" }, name.kind),
    " ",
    name.id,
    name.more && h("span", { class: "more" }, ` ${name.more}`),
  ];
  const back = h("a", { href: "#/shipments", class: "back" }, "All shipments");
  if (!data) {
    return {
      title,
      tree: h("main", { id: "main", "data-key": "main", class: "subjectpage" }, head(heading, back), absent(failure)),
      fill() {},
    };
  }
  const facts = all(data);
  const topic = filters.get("topic") ?? "";
  const shown = facts.filter(TOPIC_TESTS[topic] ?? TOPIC_TESTS[""]);
  return {
    title,
    tree: h(
      "main",
      { id: "main", "data-key": "main", class: "subjectpage" },
      head(heading, back),
      failure &&
        h("p", { class: "note", "data-key": "note" }, "This page could not be refreshed; it is shown as last known."),
      h(
        "div",
        { class: "columns", "data-key": "columns" },
        h("div", { class: "side" }, summary(data, facts), matters(data)),
        history(topic, facts, shown),
        h("div", { class: "side" }, belongings(data, facts), members(data)),
      ),
    ),
    fill(root) {
      list(root.querySelector(".timeline"), withSilences(shown), {
        key: (entry) => entry.key,
        signature: (entry) =>
          JSON.stringify([entry.fact, entry.gap, state.zone, state.points.size, state.rows.has(entry.fact?.via)]),
        build: (entry) => (entry.fact ? happened(entry.fact, subject, data.members?.length) : silence(entry)),
        onChange: (el, entry) => entry.fact && state.touched.has(`fact ${entry.fact.fact}`) && flash(el),
      });
    },
  };
}

function absent(failure) {
  if (!failure) return h("p", { class: "empty" }, "The subject is being loaded.");
  if (failure.status === 404 || failure.status === 422) {
    return h(
      "div",
      { class: "empty" },
      h("p", null, h("b", null, "Nothing is known of it, or it is not yours to see.")),
      h("p", null, "The page fills by itself as soon as there is something that you may see."),
    );
  }
  return h(
    "div",
    { class: "empty" },
    h("p", null, h("b", null, "The service does not answer.")),
    h("p", null, "It is asked again in a few seconds."),
  );
}

const TOPIC_TESTS = {
  "": () => true,
  milestone: (fact) => fact.topic === "milestone",
  customs: (fact) => fact.topic === "customs" || fact.topic === "arrival",
  trouble: (fact) => fact.topic === "exception" || fact.topic === "violation" || fact.state?.startsWith("hold_"),
};

function all(data) {
  const at = (fact) => Date.parse(fact.instant) || 0;
  // That somebody has arrived is told by whoever saw it; the announcement of it adds nothing.
  const beside = data.related.filter((fact) => fact.topic !== "arrival" || isExpected(fact));
  return [...data.facts, ...data.of_parts, ...beside].sort((a, b) => at(b) - at(a) || (a.fact < b.fact ? 1 : -1));
}

function summary(data, facts) {
  const line = lineOf(data.subject);
  const seen =
    data.place ??
    (line?.seen && {
      point: line.seen.point,
      moving: line.seen.moving,
      observed_at: line.at,
      party: line.seen.row.reported_by,
      confidence: line.seen.row.confidence,
      of: line.seen.row.subject,
    });
  const since = seen && !seen.of && stayedSince(facts, seen);
  const fades = !["delivered", "cancelled"].includes(data.status);
  const term = (word, ...content) => [h("dt", null, word), h("dd", null, ...content)];
  return h(
    "section",
    { class: "card", "aria-label": "Now", "data-key": "Now" },
    h(
      "p",
      { class: "state" },
      status(data.status),
      seen ? [" ", place(seen)] : h("span", { class: "quiet" }, " not seen yet"),
    ),
    h(
      "dl",
      null,
      since &&
        term(
          seen.moving ? "Left" : "There since",
          time(since, { point: seen.point }),
          h("span", { class: "more" }, ` ${duration(state.clock.now() - Date.parse(since))}`),
        ),
      seen &&
        term(
          "Last observed",
          age(seen.observed_at, { fades }),
          " ",
          by(seen.party),
          seen.of ? [", as ", subjectLink(seen.of)] : null,
        ),
      seen && term("How sure", confidence(seen.confidence)),
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

/** Since when it has been where it is: the first of the reports from there, without any from elsewhere between. */
function stayedSince(facts, seen) {
  const placed = facts.filter((fact) => fact.topic === "milestone" && fact.point);
  let since = seen.observed_at;
  if (seen.moving) return since;
  for (const fact of placed) {
    if (Date.parse(fact.instant) > Date.parse(seen.observed_at)) continue;
    if (fact.point !== seen.point) break;
    since = fact.instant;
  }
  return since;
}

function matters(data) {
  const line = lineOf(data.subject);
  const open = line?.matters ?? state.attention.filter((fact) => fact.subject === data.subject).map(matter);
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
      open.map((one) => {
        const [shape, tone] = MATTERS[one.kind];
        const about = one.fact && pageOf(one.fact);
        return h(
          "li",
          null,
          tag(shape, tone, capital(one.word)),
          one.fact?.instant
            ? [
                h("span", { class: "more" }, isExpected(one.fact) ? " expected " : " since "),
                time(one.fact.instant, { point: one.fact.point, country: countryOf(one.fact) }),
              ]
            : null,
          one.fact?.point ? h("span", { class: "more" }, ` ${placeName(one.fact.point)}`) : null,
          about && about !== data.subject ? [" ", subjectLink(about)] : null,
        );
      }),
    ),
  );
}

function belongings(data, facts) {
  // An association begins and ends with some fact, by the clock of whose place it is told.
  const points = new Map(facts.filter((fact) => fact.point).map((fact) => [Date.parse(fact.instant), fact.point]));
  const at = (instant) => time(instant, { point: points.get(Date.parse(instant)) });
  const found = [...(data.associations ?? [])].sort(
    (a, b) => (a.end ? 1 : 0) - (b.end ? 1 : 0) || Date.parse(b.start) - Date.parse(a.start),
  );
  if (!found.length) return null;
  return h(
    "section",
    { class: "card", "aria-label": "Belongs to", "data-key": "Belongs to" },
    h("h2", null, "Belongs to"),
    h(
      "ul",
      { class: "plain intervals" },
      found.map((one) =>
        h(
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
              ? [
                  " to ",
                  at(one.end),
                  h("span", { class: "more" }, ` ${duration(Date.parse(one.end) - Date.parse(one.start))}`),
                ]
              : h("span", { class: "more" }, " until now"),
          ),
        ),
      ),
    ),
  );
}

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
        const line = lineOf(key);
        return h(
          "li",
          { "data-key": key },
          subjectLink(key),
          line && [
            h("span", null, status(line.row.status), " ", line.seen && place(line.seen)),
            line.at && age(line.at, { fades: Boolean(line.fresh) }),
          ],
        );
      }),
    ),
  );
}

function history(topic, facts, shown) {
  const chips = Object.entries(TOPICS).map(([name, word]) =>
    h(
      "a",
      { class: "chip", href: withFilters({ topic: name }), "aria-current": name === topic ? "true" : null },
      `${word} `,
      h("b", { class: "figures" }, facts.filter(TOPIC_TESTS[name]).length),
    ),
  );
  return h(
    "section",
    { class: "card history", "aria-label": "Timeline" },
    h("div", { class: "over" }, h("h2", null, "Timeline"), h("nav", { class: "chips", "aria-label": "Topics" }, chips)),
    h("ol", { class: "timeline", "data-own": "" }),
    shown.length === 0 &&
      h(
        "p",
        { class: "empty" },
        facts.length ? "Nothing of this kind has happened." : "Nothing has been reported that you may see.",
      ),
  );
}

/** The facts with the silences between observations that were longer than the corridor takes for granted. */
function withSilences(facts) {
  const limit = state.silentHours * 3_600_000;
  const entries = [];
  let later = null;
  for (const fact of facts) {
    const counts = fact.topic === "milestone" && fact.instant;
    const gap = counts && later ? Date.parse(later.instant) - Date.parse(fact.instant) : 0;
    if (gap > limit) entries.push({ key: `gap ${later.fact}`, gap });
    entries.push({ key: fact.fact, fact });
    if (counts) later = fact;
  }
  return entries;
}

function silence({ key, gap }) {
  return h("li", { class: "gap", "data-key": key }, `${duration(gap)} without a report of a movement`);
}

/** How many of the parts took a step, and from when on where they took it one after the other. */
function together(fact, parts) {
  const all = fact.subjects.length === parts;
  const which =
    fact.subjects.length === 1
      ? subjectLink(fact.subjects[0])
      : h("span", null, all ? `all ${parts}` : `${fact.subjects.length} of ${parts}`);
  const lasted =
    fact.from !== fact.instant && h("span", { class: "more" }, " from ", time(fact.from, { point: fact.point }));
  return h("span", null, which, lasted);
}

function happened(fact, subject, parts) {
  const said = describe(fact);
  const expected = isExpected(fact);
  return h(
    "li",
    { class: `fact ${expected ? "expected" : ""} ${fact.topic}`, "data-key": fact.fact, "data-code": fact.code },
    h(
      "div",
      { class: "when" },
      fact.instant
        ? [
            expected && h("span", { class: "more" }, "about "),
            time(fact.instant, { point: fact.point, country: countryOf(fact), occurred: fact.occurred_at }),
          ]
        : h("span", { class: "quiet" }, "no time known"),
    ),
    h("span", { class: "sign" }, mark(expected ? "dashed" : said.shape, said.tone)),
    h(
      "p",
      { class: "line said" },
      spaced(
        h("b", { class: `headline ${said.tone}` }, said.title),
        fact.point && h("span", { class: "place" }, placeName(fact.point, fact.country)),
        fact.topic === "milestone" && confidence(fact.confidence),
        by(fact.reported_by),
        fact.subjects && together(fact, parts),
        fact.via && h("span", null, h("span", { class: "more" }, "with "), subjectLink(fact.via)),
        fact.disputed && tag("triangle", "warn", "disputed: reports differ"),
        fact.claim && tag("ring", "quiet", "claim, not from customs"),
        said.more && h("span", { class: "more" }, said.more),
        fact.topic !== "milestone" &&
          fact.subject !== subject &&
          !fact.subject.startsWith("case:") &&
          subjectLink(fact.subject),
      ),
    ),
  );
}

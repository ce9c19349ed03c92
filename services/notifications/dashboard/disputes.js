// What disagrees: the values of the reports that an exception rests on, and which one the timeline goes by.

import { h } from "./dom.js";
import { placeName } from "./state.js";
import { by, time } from "./shell.js";
import { moment } from "./time.js";
import { capital, milestone } from "./words.js";

/** @import { Saying, Told } from "../dashboard.d.ts" */

/**
 * The open disputes among some facts, by the fact that each is about.
 * @param {Told[]} facts
 */
export function disputesOf(facts) {
  const open = facts.filter((fact) => fact.topic === "exception" && fact.state === "open" && fact.about);
  return new Map(open.filter((fact) => fact.sayings?.length).map((fact) => [fact.about, fact]));
}

/**
 * The facts that cannot have been in this order: they are marked, or an exception that is open is about them.
 * @param {Told[]} facts
 * @returns {Set<string | undefined>}
 */
export function outOfOrder(facts) {
  const open = facts.filter((fact) => fact.topic === "exception" && fact.state === "open");
  const about = open.filter((fact) => fact.code === "PHYSICAL_ORDER").map((fact) => fact.about);
  return new Set([...facts.filter((fact) => fact.out_of_order).map((fact) => fact.fact), ...about]);
}

/**
 * What was said and does not agree; `beside` leaves out what stands beside it already.
 * @param {Told | undefined} fact
 */
export function sayings(fact, { beside = false } = {}) {
  const said = [...(fact?.sayings ?? [])].sort(countsFirst);
  const shown = beside ? said.filter((one) => !one.counts) : said;
  if (!shown.length) return null;
  const [first] = said;
  /** @param {keyof Saying} name */
  const isOne = (name) => said.every((one) => one[name] === first[name]);
  const what = isOne("code") && first.code ? capital(milestone(first.code)) : "";
  const where = isOne("point") && first.point ? placeName(first.point) : "";
  const isSame = isOne("code") && isOne("point") && isOne("occurred_at") && isOne("reported_by");
  return h(
    "div",
    { class: "sayings" },
    beside ? h("span", { class: "more" }, "also told:") : (what || where) && h("span", null, h("b", null, what), ` ${where}`),
    h(
      "ul",
      null,
      shown.map((one) => saying(one, !isOne("code"), !isOne("point"))),
    ),
    isSame && h("span", { class: "more" }, "They differ in what is not shown here."),
  );
}

/**
 * @param {Saying} a
 * @param {Saying} b
 */
function countsFirst(a, b) {
  /** @param {Saying} one */
  const when = (one) => moment(one.occurred_at) || 0;
  return Number(Boolean(b.counts)) - Number(Boolean(a.counts)) || when(a) - when(b);
}

/**
 * @param {Saying} one
 * @param {boolean} withCode
 * @param {boolean} withPoint
 */
function saying(one, withCode, withPoint) {
  return h(
    "li",
    null,
    withCode && one.code ? `${capital(milestone(one.code))} ` : null,
    one.occurred_at
      ? time(one.occurred_at, { point: one.point, occurred: one.occurred_at })
      : h("span", { class: "quiet" }, "no time"),
    withPoint && one.point ? ` ${placeName(one.point)}` : null,
    " ",
    by(one.reported_by),
    one.counts ? h("b", null, " counts") : null,
  );
}

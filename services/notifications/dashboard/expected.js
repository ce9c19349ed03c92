// When a subject is expected where it has still to come: on its page all points ahead, in the list the end of its way.

import { h } from "./dom.js";
import { time } from "./shell.js";
import { placeName } from "./state.js";
import { duration, moment } from "./time.js";
import { capital } from "./words.js";

/** @import { Child, Expected } from "../dashboard.d.ts" */

const HOUR = 3_600_000;

/**
 * @param {Expected[] | undefined} ahead
 * @returns {Child}
 */
export function expected(ahead) {
  if (!ahead?.length) return null;
  return h(
    "section",
    { class: "card", "aria-label": "Expected", "data-key": "Expected" },
    h("h2", null, "Expected"),
    h(
      "ol",
      { class: "plain expected" },
      ahead.map((one) =>
        h(
          "li",
          { "data-key": one.point },
          h("b", null, placeName(one.point)),
          " ",
          time(one.expected, one),
          h("span", { class: "second" }, time(one.earliest, one), " to ", time(one.latest, one)),
          h("span", { class: "second" }, capital([lateness(one), sourceOf(one)].filter(Boolean).join(", "))),
        ),
      ),
    ),
    h("p", { class: "more" }, "Eight of ten come within the range."),
  );
}

/**
 * The end of the way, as a row of the list has it.
 * @param {Expected[] | undefined} ahead
 * @returns {Child}
 */
export function expectedEnd(ahead) {
  const end = ahead?.at(-1);
  if (!end) return null;
  const half = (moment(end.latest) - moment(end.earliest)) / 2;
  return h("span", { class: "more due" }, `expected ${placeName(end.point)} `, time(end.expected, end), ` ± ${duration(half)}`);
}

/** @param {Expected} one */
function lateness({ expected: at, planned }) {
  if (!planned) return "";
  const late = moment(at) - moment(planned);
  if (Math.abs(late) < HOUR) return "as planned";
  return `${duration(Math.abs(late))} ${late > 0 ? "later" : "earlier"} than planned`;
}

/** @param {Expected} one */
function sourceOf({ source, journeys }) {
  if (source === "plan") return "by the plan and the present delay";
  if (source !== "corridor") return source ? `says ${source}` : "";
  return journeys ? `by ${journeys} past journey${journeys > 1 ? "s" : ""}` : "by planned hours";
}

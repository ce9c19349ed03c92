// Marks: what is told by colour is told by a shape and a word as well. Observed is solid; what is not is hollow.

import { h } from "./dom.js";
import { CONFIDENCE, STATUS, plain } from "./words.js";

/** @import { Drawn, Props, Shape } from "../dashboard.d.ts" */

/** @type {Record<string, Shape>} */
const SHAPES = {
  onward: ["path", { d: "M3 2l7 4-7 4z", class: "solid" }],
  square: ["rect", { x: 2.5, y: 2.5, width: 7, height: 7, class: "solid" }],
  dot: ["circle", { cx: 6, cy: 6, r: 3.5, class: "solid" }],
  half: ["path", { d: "M6 2a4 4 0 0 0 0 8z", class: "solid" }, ["circle", { cx: 6, cy: 6, r: 4, class: "line" }]],
  ring: ["circle", { cx: 6, cy: 6, r: 4, class: "line" }],
  dashed: ["circle", { cx: 6, cy: 6, r: 4, class: "line", "stroke-dasharray": "2 1.6" }],
  check: ["path", { d: "M2 6.5l3 3 5-7", class: "line" }],
  cross: ["path", { d: "M3 3l6 6M9 3l-6 6", class: "line" }],
  octagon: ["path", { d: "M4 1h4l3 3v4l-3 3H4L1 8V4z", class: "solid" }, ["path", { d: "M3.5 6h5", class: "cut" }]],
  triangle: ["path", { d: "M6 1.5L11 10.5H1z", class: "solid" }, ["path", { d: "M6 4.8v2.6M6 8.6v.9", class: "cut" }]],
  diamond: [
    "path",
    { d: "M6 .8L11.2 6 6 11.2.8 6z", class: "solid" },
    ["path", { d: "M6 3.6v2.8M6 7.6v1", class: "cut" }],
  ],
  paper: ["path", { d: "M3 1.5h4l2.5 2.5v6.5H3z", class: "line" }, ["path", { d: "M4.8 8.5l3-3", class: "line" }]],
  stamp: ["path", { d: "M2 2h8v8H2z", class: "line" }, ["path", { d: "M4 6l1.5 1.5L8 4.5", class: "line" }]],
  flag: ["path", { d: "M3 11V1.5h6l-1.5 2.5L9 6.5H3", class: "line" }],
  query: ["path", { d: "M4 4.5a2 2 0 1 1 2 2v1M6 9.2v1", class: "line" }],
};

/**
 * The shape, in a tone: none, good, warn, bad, quiet, accent.
 * @param {string} shape
 */
export function mark(shape, tone = "none") {
  /** @type {(shape: Shape) => Drawn[]} */
  const draw = ([tag, props, ...more]) => [h(tag, props), ...more.flatMap(draw)];
  return h(
    "svg",
    { class: `mark ${tone}`, viewBox: "0 0 12 12", "aria-hidden": "true" },
    draw(SHAPES[shape] ?? SHAPES.query),
  );
}

/**
 * A shape with its word.
 * @param {string} shape
 * @param {string} tone
 * @param {string} word
 * @param {Props} [props]
 */
export function tag(shape, tone, word, props) {
  return h("span", { class: `tag ${tone}`, ...props }, mark(shape, tone), h("span", null, word));
}

/** @type {Record<string, [shape: string, tone: string]>} */
const STATUS_MARKS = {
  in_transit: ["onward", "accent"],
  at_point: ["square", "none"],
  planned: ["dashed", "quiet"],
  delivered: ["check", "good"],
  partly_delivered: ["square", "none"],
  ended: ["check", "quiet"],
  cancelled: ["cross", "quiet"],
  postponed: ["ring", "warn"],
  unknown: ["query", "quiet"],
};

/** @param {string} value */
export function status(value) {
  const [shape, tone] = STATUS_MARKS[value] ?? ["ring", "none"];
  return tag(shape, tone, STATUS[value] ?? plain(value));
}

/** @type {Record<string, string>} */
const CONFIDENCE_MARKS = {
  observed: "dot",
  second_hand: "half",
  inferred: "ring",
  estimated: "dashed",
  planned: "dashed",
};

/** @param {string | undefined} value */
export function confidence(value) {
  if (!value) return null;
  const tone = value === "observed" ? "none" : "quiet";
  return tag(CONFIDENCE_MARKS[value] ?? "ring", tone, CONFIDENCE[value] ?? plain(value));
}

/** @type {Record<string, [shape: string, tone: string, word: string]>} */
export const MATTERS = {
  violation: ["diamond", "bad", "violation"],
  held: ["octagon", "bad", "held"],
  exception: ["triangle", "warn", "exception"],
  undeclared: ["paper", "warn", "not declared"],
  silent: ["dashed", "silent", "silent"],
};

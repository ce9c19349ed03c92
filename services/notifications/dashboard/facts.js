// What a fact or a feed item says, in words and marks; and what is open because of it.

import { CASE_STATES, INCIDENTS, KINDS, capital, milestone, plain, rule, subject } from "./words.js";

/** @import { Description, Fact, Matter, Told } from "../dashboard.d.ts" */

/**
 * `{ shape, tone, title, more }` of a fact; the place and the times are told beside it.
 * @param {Told} fact
 * @returns {Description}
 */
export function describe(fact) {
  const teller = /** @type {((fact: Told) => Description) | undefined} */ (TELLERS[fact.topic]);
  return teller ? teller(fact) : { shape: "ring", tone: "none", title: capital(plain(fact.code ?? fact.topic)) };
}

/** @type {Record<string, string>} */
const SHAPES = { observed: "dot", second_hand: "half", inferred: "ring" };

/** @type {{ [Topic in Fact["topic"]]: (fact: Extract<Told, { topic: Topic }>) => Description }} */
const TELLERS = {
  milestone(fact) {
    // Who is seen where it stands, or between two points, has passed nothing.
    const isSeen = fact.sighting || (fact.code === "PASS" && !fact.point);
    const title = isSeen ? "Seen" : milestone(fact.code);
    const tone = INCIDENTS.has(fact.code) ? "bad" : "none";
    const shape = SHAPES[fact.confidence ?? ""] ?? "dashed";
    return { shape, tone, title };
  },
  customs(fact) {
    const law = fact.code
      ? `Customs ${fact.code
          .replace(" ", ", ")
          .toLowerCase()
          .replace(/^\w+/, (c) => c.toUpperCase())}`
      : "Customs";
    const word = CASE_STATES[fact.state ?? ""] ?? plain(fact.state ?? "");
    if (fact.state === "hold_placed")
      return { shape: "octagon", tone: "bad", title: "Hold placed", more: `${law}, ${fact.detail}` };
    if (fact.state === "hold_lifted")
      return { shape: "stamp", tone: "good", title: "Hold lifted", more: `${law}, ${fact.detail}` };
    const bad = ["REJECTED", "REFUSED", "SEIZED", "CONFISCATED", "OVERDUE", "DISCREPANCY", "CLAIM"].includes(fact.state ?? "");
    return { shape: "stamp", tone: bad ? "bad" : "none", title: word ? `${law}: ${word}` : law };
  },
  exception(fact) {
    const word = capital(rule(fact.code, fact.detail));
    if (fact.state === "closed") return { shape: "check", tone: "good", title: `${word}: over` };
    const tone = ["CRITICAL", "HIGH"].includes(fact.severity ?? "") ? "bad" : "warn";
    return {
      shape: "triangle",
      tone,
      title: word,
      more: [named(fact.detail), fact.severity && `severity ${plain(fact.severity)}`].filter(Boolean).join(", "),
    };
  },
  violation(fact) {
    const word = capital(rule(fact.code));
    if (fact.state === "withdrawn") return { shape: "check", tone: "good", title: `${word}: no violation after all` };
    return { shape: "diamond", tone: "bad", title: `Violation: ${word.toLowerCase()}`, more: fact.detail };
  },
  arrival(fact) {
    const declared = fact.detail ? `, ${fact.detail}` : "";
    if (fact.state === "arrived") return { shape: "flag", tone: "none", title: `Arrived in the country${declared}` };
    if (fact.state === "withdrawn") return { shape: "cross", tone: "quiet", title: "Does not come after all" };
    const tone = fact.detail === "not declared" ? "warn" : "none";
    return {
      shape: "flag",
      tone,
      title: fact.instant ? `Expected${declared}` : `Expected, no estimate yet${declared}`,
    };
  },
};

/**
 * "container CSQU3054383", for the key of a subject; nothing for anything else.
 * @param {string | undefined} key
 */
function named(key) {
  const { kind, id } = subject(key ?? "");
  return kind in KINDS && id ? `${kind} ${id}` : "";
}

/**
 * The country of a fact: for customs that of the law, unless several countries share it.
 * @param {Told} fact
 */
export function countryOf(fact) {
  return fact.country ?? (fact.topic === "customs" ? fact.code?.split(" ")[0] : undefined);
}

/**
 * How sure a fact is, of those that may be inferred.
 * @param {Told} fact
 */
export function sureness(fact) {
  return fact.topic === "milestone" || fact.topic === "violation" ? fact.confidence : undefined;
}

/**
 * Whether the instant of a fact is still to come, as far as anybody knows.
 * @param {Told} fact
 */
export function isExpected(fact) {
  return fact.topic === "arrival" && fact.state === "expected";
}

// An estimate is to the hour, and trains are rarely on it.
const OVERDUE_AFTER = 6 * 3_600_000;

/**
 * By how much an expectation has passed without having come true; 0 while it may still.
 * @param {Told} fact
 * @param {number} now
 */
export function overdue(fact, now) {
  const past = isExpected(fact) && fact.instant ? now - Date.parse(fact.instant) : 0;
  return past > OVERDUE_AFTER ? past : 0;
}

/** @type {Record<string, number>} */
const SEVERITIES = { CRITICAL: 0, HIGH: 2, MEDIUM: 4 };

/**
 * What an open fact is about: `{ kind, word, rank, fact }`; the smaller the rank, the sooner somebody is needed.
 * @param {Fact} fact
 * @returns {Matter}
 */
export function matter(fact) {
  if (fact.topic === "violation")
    return { kind: "violation", word: rule(fact.code), rank: 0, fact };
  if (fact.topic === "customs")
    return { kind: "held", word: `held, ${fact.code?.split(" ")[0] ?? "customs"}`, rank: 1, fact };
  if (fact.topic === "arrival")
    return { kind: "undeclared", word: `not declared, ${fact.country ?? ""}`, rank: 3, fact };
  const rank = SEVERITIES[fact.severity ?? ""] ?? 5;
  return { kind: "exception", word: rule(fact.code, fact.detail), rank, fact };
}

/**
 * The subjects that a fact or item concerns.
 * @param {Fact} fact
 */
export function concerns(fact) {
  return [fact.subject, fact.consignment, fact.via].filter((one) => one !== undefined);
}

/**
 * The subject to open for a fact: a case has no page of its own, what it is about has.
 * @param {Fact} fact
 */
export function pageOf(fact) {
  if (!isCase(fact.subject)) return fact.subject;
  const about = fact.subject.slice("case:".length).split("/").slice(0, -3).join("/");
  return fact.consignment ?? (subject(about).kind in KINDS ? about : null);
}

/** @param {string} subject */
export function isCase(subject) {
  return subject.startsWith("case:");
}

/**
 * Whether a fact is about the papers of a consignment, and `subject` is only something that it carries.
 * @param {Told} fact
 * @param {string} subject
 */
export function isOfCargo(fact, subject) {
  return fact.topic === "customs" && isCase(fact.subject) && Boolean(fact.consignment) && fact.consignment !== subject;
}

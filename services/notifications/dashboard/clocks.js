// By whose clock something is told: that of its own place; where it names none, that of a place it belongs to.
//
// `where` of a time is `{ point, country, occurred, why }`: `why` names the place whose clock was borrowed.

import { countryOf } from "./facts.js";
import { placeName, state, zoneOf } from "./state.js";
import { moment } from "./time.js";

/** @import { Told, Where } from "../dashboard.d.ts" */

/**
 * `where` of a fact or item; `at` says at which point its subject was at an instant, as far as that is known.
 * @param {Told} fact
 * @param {(instant: string | undefined) => string | undefined} at
 * @returns {Where}
 */
export function whereOf(fact, at = () => undefined) {
  const { point, occurred_at: occurred } = fact;
  const country = countryOf(fact);
  if (point || /[+-]\d\d:\d\d$/.test(occurred ?? "")) return { point, occurred };
  if (zoneOf(undefined, country)) return { country, occurred };
  const near = [at(fact.instant), ...ofCargo(fact.consignment)].filter((one) => one !== undefined);
  const inside = near.find((one) => state.points.get(one)?.country === country);
  return borrowed(inside ?? near[0], occurred);
}

/**
 * `where` of an instant at which a subject was at some point, or near it.
 * @param {string | undefined} point
 * @param {string} [occurred]
 * @returns {Where}
 */
export function borrowed(point, occurred) {
  return point ? { point, occurred, why: placeName(point) } : { occurred };
}

/**
 * At which point a subject was at an instant, by its facts, newest first; before the first one, at the first.
 * @param {Told[]} facts
 * @returns {(instant: string | undefined) => string | undefined}
 */
export function whereabouts(facts) {
  const placed = facts.filter((fact) => fact.topic === "milestone" && fact.point && fact.instant);
  return (instant) => (placed.find((fact) => moment(fact.instant) <= moment(instant)) ?? placed.at(-1))?.point;
}

/**
 * Where a consignment was seen last, and where it goes.
 * @param {string | undefined} consignment
 */
function ofCargo(consignment) {
  const row = state.rows.get(consignment ?? "");
  if (!row) return [];
  const parts = (row.members ?? []).map((key) => state.rows.get(key)).filter((part) => part?.observed_at);
  const newest = parts.sort((a, b) => moment(b?.observed_at) - moment(a?.observed_at))[0];
  return [row.point, newest?.point, row.destination].filter((one) => one !== undefined);
}

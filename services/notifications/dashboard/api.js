// The service's API, as the party of this tab's session. No token is ever in an address.

import { keepSession, offeredToken, session } from "./session.js";

/** @import { Answers } from "../dashboard.d.ts" */

const ANSWERED_WITHIN = 15_000;

/** @type {Promise<void> | null} */
let exchange = null;

/** What says whose session is meant: its cookie counts together with this alone. */
export function headers() {
  return { "Corridor-Session": session() ?? "" };
}

/** An answer that is not what was asked for; `status` 0 is no answer at all. `retryAfter` is what it asks for, in seconds. */
export class Failure extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail, retryAfter = 0) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same question may get another answer later. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Reads JSON; raises `Failure`.
 * @template {keyof Answers} Path
 * @param {Path} path
 * @param {Record<string, string | number | undefined>} parameters
 * @returns {Promise<Answers[Path]>}
 */
export async function get(path, parameters = {}) {
  await signIn();
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return await ask(query.size ? `${path}?${query}` : path, { headers: headers() });
}

/** Exchanges the token that was offered, if any, for a session, once for all who ask; raises `Failure`. */
export async function signIn() {
  const token = offeredToken();
  if (token === null) return;
  exchange ??= open(token).finally(() => (exchange = null));
  await exchange;
}

/** @param {string} token */
async function open(token) {
  const opened = await ask("v1/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  keepSession(opened.session);
}

/** Has the session go on for as long as the page is open; raises `Failure`. */
export async function renew() {
  await ask("v1/session", { method: "POST", headers: headers() });
}

/** Ends the session, in all tabs that have it; raises `Failure`. */
export async function signOff() {
  await ask("v1/session", { method: "DELETE", headers: headers() });
}

/**
 * The failure that an answer tells of.
 * @param {Response} answer
 * @returns {Promise<Failure>}
 */
export async function failureOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Failure(
    answer.status,
    problem.detail ?? answer.statusText,
    Number(answer.headers.get("Retry-After")) || 0,
  );
}

/**
 * @param {string} address
 * @param {RequestInit} options
 */
async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, { ...options, signal: AbortSignal.timeout(ANSWERED_WITHIN), cache: "no-store" });
    if (answer.ok) return answer.status === 204 ? null : await answer.json();
  } catch {
    throw new Failure(0, "no answer");
  }
  throw await failureOf(answer);
}

// The service's API, as the party of the token. The token stays out of every address.

import { token } from "./token.js";

export function headers() {
  return { Authorization: `Bearer ${token() ?? ""}` };
}

/** An answer that is not what was asked for; `status` 0 is no answer at all. `retryAfter` is what it asks for, in seconds. */
export class Failure extends Error {
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

/** Reads JSON; raises `Failure`. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, v]) => v !== undefined && v !== ""));
  const address = query.size ? `${path}?${query}` : path;
  let answer;
  try {
    answer = await fetch(address, { headers: headers(), signal: AbortSignal.timeout(15_000), cache: "no-store" });
    if (answer.ok) return await answer.json();
  } catch {
    throw new Failure(0, "no answer");
  }
  throw await failureOf(answer);
}

/** The failure that an answer tells of. */
export async function failureOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Failure(
    answer.status,
    problem.detail ?? answer.statusText,
    Number(answer.headers.get("Retry-After")) || 0,
  );
}

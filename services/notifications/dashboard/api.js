// The service's API, as the party of the token. The token stays out of every address.

const KEPT = "corridor.token";

/** Takes the token from the address into this tab's keeping, and out of the address bar. */
export function takeToken() {
  const address = new URL(location.href);
  const token = address.searchParams.get("token");
  if (token) {
    sessionStorage.setItem(KEPT, token);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return sessionStorage.getItem(KEPT);
}

/** Keeps a token, or a link that has one, which somebody has pasted. */
export function keepToken(text) {
  const found = /[?&]token=([^&#\s]+)/.exec(text);
  sessionStorage.setItem(KEPT, found ? decodeURIComponent(found[1]) : text.trim());
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT);
}

export function headers() {
  return { Authorization: `Bearer ${sessionStorage.getItem(KEPT) ?? ""}` };
}

/** An answer that is not what was asked for; `status` 0 is no answer at all. */
export class Failure extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
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

// The address of a view: `#/shipments?kind=train&q=...`. What is filtered is in it, so that a view can be shared.

import { KINDS } from "./words.js";

/**
 * The view, its path and its filters, as the address says; `nowhere` is what no link of ours leads to.
 * @returns {{ view: "shipments" | "live" | "subject" | "nowhere", subject?: string, filters: URLSearchParams }}
 */
export function read() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decoded);
  const filters = new URLSearchParams(query);
  const [view = "shipments", kind, ...id] = parts;
  if (parts.includes(null)) return { view: "nowhere", filters };
  if (view === "subjects" && kind && kind in KINDS && id.length) {
    return { view: "subject", subject: `${kind}:${id.join("/")}`, filters };
  }
  const isList = (view === "shipments" || view === "live") && kind === undefined;
  return { view: isList ? view : "nowhere", filters };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/**
 * The address of a subject's page.
 * @param {string} subject
 */
export function subjectHref(subject) {
  const [kind, ...rest] = subject.split(":");
  return `#/subjects/${kind}/${rest.join(":").split("/").map(encodeURIComponent).join("/")}`;
}

/**
 * The address of this view with some filters set anew; empty ones are left out.
 * @param {Record<string, string>} changes
 */
export function withFilters(changes) {
  const [path] = location.hash.replace(/^#/, "").split("?", 1);
  const filters = new URLSearchParams(read().filters);
  for (const [name, value] of Object.entries(changes)) {
    if (value) filters.set(name, value);
    else filters.delete(name);
  }
  const query = filters.toString();
  return `#${path || "/shipments"}${query ? `?${query}` : ""}`;
}

/**
 * Sets filters without a new entry in the history, as for each letter that is typed.
 * @param {Record<string, string>} changes
 */
export function setFilters(changes) {
  history.replaceState(history.state, "", withFilters(changes));
}

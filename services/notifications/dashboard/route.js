// The address of a view: `#/shipments?kind=train&q=...`. What is filtered is in it, so that a view can be shared.

/** The view, its path and its filters, as the address says. */
export function read() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean);
  const filters = new URLSearchParams(query);
  if (parts[0] === "subjects" && parts.length >= 3) {
    const id = parts.slice(2).map(decodeURIComponent).join("/");
    return { view: "subject", subject: `${parts[1]}:${id}`, filters };
  }
  return { view: parts[0] === "live" ? "live" : "shipments", filters };
}

/** The address of a subject's page. */
export function subjectHref(subject) {
  const [kind, ...rest] = subject.split(":");
  return `#/subjects/${kind}/${rest.join(":").split("/").map(encodeURIComponent).join("/")}`;
}

/** The address of this view with some filters set anew; empty ones are left out. */
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

/** Sets filters without a new entry in the history, as for each letter that is typed. */
export function setFilters(changes) {
  history.replaceState(null, "", withFilters(changes));
}

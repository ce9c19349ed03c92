// The words of the page: what codes mean, how parties and subjects are written.

/**
 * What milestone codes mean; the same words as in the contract, which a test compares.
 * @type {Record<string, string>}
 */
export const CODES = {
  BKD: "booking confirmed",
  NOTE: "consignment note issued or re-issued",
  BKX: "booking cancelled",
  ARRI: "arrived",
  BARR: "arrived at border station",
  GTIN: "gate in, terminal",
  OFFR: "handover offered",
  HREF: "handover refused",
  HACC: "handover accepted",
  GCIN: "gauge change started",
  GCOUT: "gauge change done",
  PREA: "advance cargo data filed",
  CLOD: "declaration lodged",
  CREJ: "declaration rejected",
  CACC: "declaration registered",
  CUSS: "chosen for scan",
  CUSI: "chosen for inspection",
  CHLD: "hold placed",
  CINS: "inspected",
  CHLX: "hold lifted",
  CREF: "refused",
  CREL: "released, or released for transit",
  CDIS: "transit discharged",
  PLACED: "placed for loading or unloading",
  DISC: "unloaded from wagon",
  AVPU: "available for pick-up",
  STUF: "stuffed",
  SEAL: "seal affixed or replaced",
  LOAD: "loaded on wagon",
  REMOVED: "removed from the loading place",
  DTCH: "wagon cut out",
  ATCH: "wagon put in",
  COMP: "train composed or ready",
  PASS: "passed point, or seen on the way",
  DEPA: "departed",
  GTOT: "gate out",
  XBRD: "crossed frontier",
  ETA: "forecast changed",
  DLAY: "delay with cause",
  STOP: "run interrupted",
  RESM: "run resumed",
  CANC: "train or leg cancelled",
  TAMP: "seal damaged, broken or tampered",
  DAMG: "damage",
  DRLM: "derailment",
  LOST: "loss",
  DLVD: "delivered",
  STRP: "stripped",
  MTRT: "empty returned",
};

/**
 * Shorter words for what is read a hundred times a day.
 * @type {Record<string, string>}
 */
const SHORT = {
  PASS: "passed",
  GTIN: "gate in",
  GTOT: "gate out",
  NOTE: "consignment note issued",
  COMP: "train made up",
};

/**
 * "Departed", for a milestone code.
 * @param {string} code
 */
export function milestone(code) {
  return capital(SHORT[code] ?? CODES[code] ?? plain(code));
}

/** Codes that nobody is glad of. */
export const INCIDENTS = new Set(["HREF", "DLAY", "STOP", "CANC", "TAMP", "DAMG", "DRLM", "LOST"]);

/** @type {Record<string, string>} */
export const STATUS = {
  in_transit: "under way",
  at_point: "standing",
  planned: "planned",
  delivered: "delivered",
  partly_delivered: "partly delivered",
  ended: "ended",
  cancelled: "cancelled",
  postponed: "postponed",
  in_train: "in a train",
  resolved: "assigned",
  unknown: "not known",
};

/** @type {Record<string, string>} */
export const RULES = {
  LATE_VS_PLAN: "late against the plan",
  ETA_SLIP: "expected later than before",
  DWELL_EXCEEDED: "standing too long",
  MISSED_MILESTONE: "a report is missing",
  NO_SIGNAL: "silent",
  ROUTE_DEVIATION: "off its route",
  SEAL_TAMPER: "seal broken",
  HANDOVER_REFUSED: "handover refused",
  IDENTITY_MISMATCH: "claimed by two consignments",
  DATA_CONFLICT: "reports disagree",
  LEFT_BEHIND: "left behind",
  ROUTE_UNKNOWN: "way not known",
  PHYSICAL_ORDER: "cannot be in this order",
  WITHOUT_ONWARD_TRAIN: "without an onward train",
  LEFT_WITHOUT_PERMISSION: "left without permission",
  LEFT_ZONE_WITHOUT_RELEASE: "left the zone without release",
  RELEASE_UNDER_HOLD: "released under a hold",
};

/**
 * What is wrong, for the rule of an exception or violation; a box that is torn between wagons is told by `detail`.
 * @param {string} code
 * @param {string} [detail]
 */
export function rule(code, detail) {
  if (code === "IDENTITY_MISMATCH" && detail === "on_wagon") return "on two wagons at once";
  return RULES[code] ?? plain(code);
}

/**
 * How many units are where: "1 planned, 2 delivered"; nothing where all are alike.
 * @param {Record<string, number> | undefined} units
 */
export function apart(units) {
  const told = Object.keys(UNITS).filter((name) => units?.[name]);
  return told.length > 1 ? told.map((name) => `${units?.[name]} ${UNITS[name]}`).join(", ") : "";
}

/** @type {Record<string, string>} */
export const UNITS = {
  planned: "planned",
  under_way: "under way",
  at_point: "standing",
  delivered: "delivered",
};

/** @type {Record<string, string>} */
export const CASE_STATES = {
  NOT_FILED: "not filed",
  PRE_ADVISED: "advance data filed",
  LODGED: "lodged",
  ACCEPTED: "accepted",
  REJECTED: "rejected",
  DOC_REVIEW: "documents in review",
  INSPECTION_ORDERED: "inspection ordered",
  INSPECTING: "being inspected",
  RELEASED: "released",
  IN_TRANSIT: "in transit",
  PRESENTED: "presented",
  LET_OUT: "let out of the country",
  DISCHARGED: "discharged",
  CLOSED: "closed",
  CANCELLED: "cancelled",
  REFUSED: "refused",
  SEIZED: "seized",
  CONFISCATED: "confiscated",
  CLAIM: "guarantee claimed",
  OVERDUE: "overdue",
  DISCREPANCY: "discrepancy",
  hold_placed: "hold placed",
  hold_lifted: "hold lifted",
};

/** @type {Record<string, string>} */
export const CONFIDENCE = {
  observed: "observed",
  second_hand: "second-hand",
  inferred: "inferred",
  estimated: "estimated",
  planned: "planned",
};

/** @type {Record<string, string>} */
export const RELATIONS = {
  on_wagon: "on wagon",
  in_train: "in train",
  in_run: "in run",
  in_consignment: "in consignment",
  carries: "carried",
  on_order_of: "on order of",
};

/** @type {Record<string, string>} */
export const KINDS = {
  consignment: "Consignments",
  container: "Containers",
  train: "Trains",
  wagon: "Wagons",
  run: "Runs",
};

/** @type {Record<string, string>} */
export const ROLES = {
  railway: "railway: trains, wagons and what they carry on the whole route",
  control: "control room: everything on the corridor",
  operations: "operations: everything on the corridor",
  customs: "customs: what is coming to its country, its own cases, and trains on the route",
  terminal: "terminal: what happens in its own country",
  forwarder: "forwarder: the consignments that it has a part in, while they are carried",
  shipper: "shipper: the consignments that it has a part in, while they are carried",
  declarant: "declarant: the consignments that it has a part in, while they are carried",
};

/**
 * What the services tell of, of which each may be away.
 * @type {Record<string, string>}
 */
export const SOURCES = {
  tracking: "trains, wagons, containers and consignments",
  customs: "customs cases, holds and arrivals",
};

/**
 * A code for the eye, where no word is known: "NEW_RULE" is "new rule".
 * @param {string} code
 */
export function plain(code) {
  return String(code).replaceAll("_", " ").toLowerCase();
}

/** @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * A party as it is spoken of: "KTZ", "Zahedan yard".
 * @param {string} key
 */
export function party(key) {
  if (!key) return "";
  return key.length <= 5 && !key.includes("-") ? key.toUpperCase() : capital(key.replaceAll("-", " "));
}

/**
 * Which rules a wagon's number follows: two railways may number a wagon alike.
 * @type {Record<string, { more: string, title: string }>}
 */
const NUMBERINGS = {
  uic: { more: "UIC no.", title: "Twelve digits, as UIC numbers wagons of standard gauge" },
  1520: { more: "1520 no.", title: "Eight digits, as the railways of the 1520 mm gauge number wagons" },
  national: { more: "national no.", title: "A number that only the owning railway's own rules explain" },
};

/**
 * A subject key as people write it: `{ kind, id, more, title }`.
 * @param {string} key
 * @returns {{ kind: string, id: string, more: string, title?: string }}
 */
export function subject(key) {
  const kind = key.split(":", 1)[0];
  const parts = key.slice(kind.length + 1).split("/");
  if (kind === "train" && parts.length === 3) {
    return { kind, id: parts[1], more: `${party(parts[0])}, from ${parts[2]}` };
  }
  if (kind === "consignment" && parts.length > 1) {
    return { kind, id: parts.slice(1).join("/"), more: party(parts[0]) };
  }
  if (kind === "wagon" && parts.length === 2) {
    return { kind, id: parts[1], ...(NUMBERINGS[parts[0]] ?? { more: parts[0] }) };
  }
  if (kind === "run" && parts.length === 2) return { kind, id: `${parts[0].toUpperCase()} ${parts[1]}`, more: "" };
  if (kind === "case")
    return { kind, id: parts.slice(-3, -1).join(" "), more: subject(parts.slice(0, -3).join("/")).id };
  return { kind, id: parts.join("/"), more: "" };
}

/**
 * A reference of a consignment: "CIM 70261".
 * @param {string} key
 */
export function reference(key) {
  const [scheme, , ...number] = key.split(":");
  return `${scheme.replaceAll("-", " ").toUpperCase()} ${number.join(":")}`;
}

// Instants, ages and the clocks they are told by: the place's own, the viewer's, or UTC; always with the offset.

/** @import { Freshness, Zone } from "../dashboard.d.ts" */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

export const VIEWER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

/** The clock of the system that is looked at: real, or stepped by its player. */
export class Clock {
  #offset = 0;
  /** @type {number | null} */
  #stands = null;
  stepped = false;

  /**
   * The service says that it is `now`; it was asked at `asked` and answered at `answered` by our own clock.
   * @param {string} now
   * @param {number} asked
   * @param {number} answered
   */
  hear(now, asked, answered) {
    const instant = Date.parse(now);
    if (this.stepped) this.reach(now);
    else this.#offset = instant - (asked + answered) / 2;
  }

  /**
   * A stepped clock stands at least here.
   * @param {string} instant
   */
  reach(instant) {
    if (this.stepped) this.#stands = Math.max(this.#stands ?? -Infinity, Date.parse(instant));
  }

  now() {
    return this.stepped ? (this.#stands ?? Date.now()) : Date.now() + this.#offset;
  }
}

/**
 * An instant in milliseconds; not a number where there is none.
 * @param {string | undefined} instant
 */
export function moment(instant) {
  return Date.parse(instant ?? "");
}

/**
 * "2 d 4 h", "14 min": how long, by the two largest parts.
 * @param {number} ms
 */
export function duration(ms) {
  const length = Math.abs(ms);
  if (length < MINUTE) return "under 1 min";
  if (length < HOUR) return `${Math.floor(length / MINUTE)} min`;
  if (length < DAY) return joined(Math.floor(length / HOUR), "h", Math.floor((length % HOUR) / MINUTE), "min");
  return joined(Math.floor(length / DAY), "d", Math.floor((length % DAY) / HOUR), "h");
}

/**
 * @param {number} large
 * @param {string} largeUnit
 * @param {number} small
 * @param {string} smallUnit
 */
function joined(large, largeUnit, small, smallUnit) {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;
}

/**
 * "14 min ago", "just now", "in 3 h".
 * @param {string} instant
 * @param {number} now
 */
export function ago(instant, now) {
  const age = now - Date.parse(instant);
  if (Math.abs(age) < MINUTE) return "just now";
  return age < 0 ? `in ${duration(age)}` : `${duration(age)} ago`;
}

/**
 * How old an observation is: fresh, ageing, stale or silent. Silence begins where the corridor says.
 * @param {string} instant
 * @param {number} now
 * @param {number} silentHours
 * @returns {Freshness}
 */
export function freshness(instant, now, silentHours) {
  const share = (now - Date.parse(instant)) / (silentHours * HOUR);
  if (share < 0.25) return "fresh";
  if (share < 0.5) return "ageing";
  return share < 1 ? "stale" : "silent";
}

/**
 * An instant for the eye: `{ text, offset, utc }`. `by` is place, mine or utc; `zone` is the place's; `occurred` is
 * the text that was reported, whose offset counts where no place is known.
 * @param {string} instant
 * @param {{ by: Zone, zone?: string, occurred?: string, now?: number }} how
 */
export function tell(instant, { by, zone, occurred, now }) {
  const at = new Date(instant);
  const utc = `${parts(at, "UTC", now)} UTC`;
  if (by === "utc") return { text: parts(at, "UTC", now), offset: "UTC", utc };
  if (by === "mine") return { text: parts(at, VIEWER_ZONE, now), offset: offsetOf(at, VIEWER_ZONE), utc };
  if (zone) return { text: parts(at, zone, now), offset: offsetOf(at, zone), utc };
  const [offset, sign, hours, rest] = /([+-])(\d\d):(\d\d)$/.exec(occurred ?? "") ?? ["", "", "0", "0"];
  const minutes = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(rest));
  if (!minutes) return { text: parts(at, "UTC", now), offset: "UTC", utc };
  return { text: parts(new Date(at.getTime() + minutes * MINUTE), "UTC", now), offset, utc };
}

/**
 * Whether a report names only a day: then no time of day is known, and none is shown.
 * @param {string | undefined} occurred
 * @returns {occurred is string}
 */
export function isDay(occurred) {
  return /^\d{4}-\d\d-\d\d$/.test(occurred ?? "");
}

/**
 * "22 Jun", for a day that was reported without a time.
 * @param {string} occurred
 * @param {number} now
 */
export function day(occurred, now) {
  return parts(new Date(`${occurred}T00:00:00Z`), "UTC", now).replace(/ \d\d:\d\d$/, "");
}

/**
 * An instant in UTC, with the word.
 * @param {string} instant
 * @param {number} now
 */
export function inUtc(instant, now) {
  return tell(instant, { by: "utc", now }).utc;
}

/**
 * "12:04 +05:00" of the viewer, for what happens to this page.
 * @param {number} ms
 */
export function here(ms) {
  const at = new Date(ms);
  const [clock] = /\d\d:\d\d$/.exec(parts(at, VIEWER_ZONE, ms)) ?? [""];
  return `${clock} ${offsetOf(at, VIEWER_ZONE)}`;
}

/**
 * @param {Date} at
 * @param {string} zone
 * @param {number} [now]
 */
function parts(at, zone, now) {
  const sameYear = now === undefined || new Date(now).getUTCFullYear() === at.getUTCFullYear();
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (!sameYear) options.year = "numeric";
  return format(`${zone} ${sameYear}`, { ...options, timeZone: zone }).format(at).replace(",", "");
}

/**
 * A format is made once: making one takes longer than using it a hundred times.
 * @param {string} key
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(key, options) {
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat("en-GB", options)));
  return made;
}

/**
 * @param {Date} at
 * @param {string} zone
 */
function offsetOf(at, zone) {
  const shown = format(`offset ${zone}`, { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at);
  const found = shown.find((part) => part.type === "timeZoneName")?.value ?? "";
  // One word for one clock: a zone that keeps UTC is told as UTC is.
  return /^GMT([+-]00:00)?$/.test(found) ? "UTC" : found.replace("GMT", "");
}

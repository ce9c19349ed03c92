// Keeps what the page knows in step with the service: once as a whole, then by what has changed.

import { Failure, get, renew, signIn, signOff } from "./api.js";
import { concerns } from "./facts.js";
import { strangers } from "./lines.js";
import { KEPT_ITEMS, changed, state, takeItem, takeOlder, takeRows } from "./state.js";
import { forgetSession, leave, offer } from "./session.js";
import { follow } from "./stream.js";

/** @import { Connection, Item, Subject, Told } from "../dashboard.d.ts" */

const ROWS = 5000;
// What was recorded shortly before the last answer may have been committed after it.
const OVERLAP = 30_000;
const SOON = 250;
const AT_MOST_EVERY = 1000;
const AGAIN = 2000;
const EVERY = 10_000;
const WHOLE_EVERY = 5 * 60_000;
const LONGEST_PAUSE = 15_000;
const STRANGERS = 20;
const RENEW_EVERY = 60 * 60_000;

/** @type {ReturnType<typeof follow> | null} */
let stream = null;
/** @type {string | null} */
let lastNow = null;
let wholeAt = 0;
let wantsWhole = false;
let wantsAttention = false;
/** @type {number | undefined} */
let timer;
let due = Infinity;
let isBusy = false;
let refreshedAt = 0;
let owesAnother = false;
let failures = 0;

/** Loads everything and follows the stream; comes back by itself for as long as the service does not answer. */
export async function start() {
  stream?.stop();
  stream = null;
  for (let tries = 0; ; tries += 1) {
    try {
      return await load();
    } catch (thrown) {
      const failure = ofQuestion(thrown);
      if (isRefused(failure)) return;
      const wait = pauseAfter(tries, failure);
      state.trouble = { what: "The service does not answer.", next: Date.now() + wait };
      changed();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

export function retryNow() {
  stream?.retryNow();
  schedule(0);
}

async function load() {
  const me = await get("v1/me");
  state.clock.stepped = me.stepped;
  state.me = me;
  const [points, rows, open, feed] = await Promise.all([
    get("v1/points"),
    overview({ limit: ROWS }),
    get("v1/attention"),
    get("v1/feed", { last: KEPT_ITEMS }),
  ]);
  state.points = new Map(points.items.map((point) => [point.key, point]));
  state.silentHours = points.silent_hours ?? state.silentHours;
  state.attention = open.items;
  state.truncated = rows.items.length >= ROWS;
  takeRows(rows.items, true);
  for (const item of feed.items) takeItem(item, false);
  state.older.isAll = feed.items.length < KEPT_ITEMS;
  wholeAt = Date.now();
  state.loaded = true;
  state.trouble = null;
  // From whichever is older: what is then sent twice is dropped by its id.
  const cursor = feed.items.length ? Math.min(rows.cursor, feed.after) : rows.cursor;
  stream = follow("v1/stream", cursor, { onItem, onState });
  schedule(EVERY);
  changed();
}

/**
 * Rows of the list, with the time and the services that are away.
 * @param {{ limit: number, since?: string }} parameters
 */
async function overview(parameters) {
  const asked = Date.now();
  const answer = await get("v1/overview", parameters);
  state.clock.hear(answer.now, asked, Date.now());
  lastNow = answer.now;
  state.away = answer.away ?? {};
  return answer;
}

/** @param {Item} item */
function onItem(item) {
  if (!takeItem(item, true)) return;
  if (item.topic !== "milestone") wantsAttention = true;
  if (item.action === "withdrawn") wantsWhole = true;
  if (state.page.data && touchesPage(item)) state.page.isOld = true;
  owesAnother = true;
  schedule(Math.max(SOON, refreshedAt + AT_MOST_EVERY - Date.now()));
}

/** @param {Connection} connection */
function onState(connection) {
  const cameBack = connection.phase === "live" && state.connection.phase !== "live";
  state.connection = connection;
  if (connection.phase === "refused") signOut("The session is over. The link opens the page again.");
  if (cameBack && Date.now() - wholeAt > AGAIN) {
    wantsWhole = true;
    schedule(0);
  }
  changed();
}

/**
 * Refreshes after a while, unless that is to happen earlier anyway.
 * @param {number} wait
 */
function schedule(wait) {
  const at = Date.now() + wait;
  if (at >= due) return;
  due = at;
  clearTimeout(timer);
  timer = setTimeout(refresh, wait);
}

async function refresh() {
  due = Infinity;
  if (isBusy) return schedule(SOON);
  if (state.signedOut) return;
  isBusy = true;
  const again = owesAnother;
  owesAnother = false;
  try {
    await refreshRows();
    if (state.page.isOld && state.page.key) await loadPage(state.page.key);
    failures = 0;
    state.trouble = null;
    // What is derived from what was just told comes a moment later, and not all of it is told to everybody.
    schedule(again ? AGAIN : document.hidden ? 6 * EVERY : EVERY);
  } catch (thrown) {
    const failure = ofQuestion(thrown);
    if (isRefused(failure)) return;
    const wait = pauseAfter(failures++, failure);
    state.trouble = { what: "The list could not be refreshed.", next: Date.now() + wait };
    schedule(wait);
  } finally {
    isBusy = false;
    refreshedAt = Date.now();
    changed();
  }
}

async function refreshRows() {
  const whole = wantsWhole || Date.now() - wholeAt > WHOLE_EVERY;
  const open = whole || wantsAttention;
  wantsWhole = wantsAttention = false;
  try {
    const since = whole || !lastNow ? undefined : new Date(Date.parse(lastNow) - OVERLAP).toISOString();
    const answer = await overview({ limit: ROWS, since });
    if (whole) {
      state.truncated = answer.items.length >= ROWS;
      wholeAt = Date.now();
    }
    takeRows(answer.items, whole);
    if (open) state.attention = (await get("v1/attention")).items;
    if (state.truncated) await findStrangers();
  } catch (failure) {
    wantsWhole ||= whole;
    wantsAttention ||= open;
    throw failure;
  }
  const row = state.rows.get(state.page.key ?? "");
  if (row && row.recorded_at !== state.page.asOf) state.page.isOld = true;
}

/**
 * Rows that the list is too long to hold, for a search.
 * @param {string} query
 */
export async function findRows(query) {
  try {
    takeRows((await get("v1/overview", { limit: 200, query })).items, false);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
  }
}

/** Rows of what is open, where the list is too long to hold all. */
async function findStrangers() {
  for (const { subject } of strangers().slice(0, STRANGERS)) await findRows(subject);
}

/** Asks for items before those that are known. */
export async function loadOlder() {
  const { older, items } = state;
  const [first] = older.items.length ? older.items : items;
  if (older.isAsked || !first) return;
  Object.assign(older, { isAsked: true, failure: null });
  changed();
  try {
    const told = (await get("v1/feed", { last: KEPT_ITEMS, before: first.sequence })).items;
    older.isAll = told.length < KEPT_ITEMS;
    takeOlder(told);
  } catch (thrown) {
    const failure = ofQuestion(thrown);
    if (!isRefused(failure)) older.failure = failure;
  } finally {
    older.isAsked = false;
    changed();
  }
}

/**
 * Loads the page of a subject, or loads it again.
 * @param {string} key
 */
export async function loadPage(key) {
  if (state.page.key !== key) state.page = { key, data: null, failure: null, tries: 0 };
  const { page } = state;
  page.isOld = false;
  page.asOf = state.rows.get(key)?.recorded_at;
  const [kind, ...rest] = key.split(":");
  const id = rest.join(":").split("/").map(encodeURIComponent).join("/");
  try {
    const data = await get(`v1/subjects/${kind}/${id}`);
    if (state.page !== page) return;
    touchFacts(page.data, data);
    Object.assign(page, { data, failure: null, tries: 0 });
  } catch (thrown) {
    const failure = ofQuestion(thrown);
    if (isRefused(failure) || state.page !== page) return;
    page.failure = failure;
    // What is not known is asked for again when the list has it; what could not be asked, in a while.
    page.isOld = failure.passes;
    if (page.isOld) schedule(pauseAfter(2 + page.tries++, failure));
  } finally {
    changed();
  }
}

/**
 * @param {Subject | null} before
 * @param {Subject} after
 */
function touchFacts(before, after) {
  if (!before) return;
  /** @type {(data: Subject) => Told[]} */
  const told = (data) => [...data.facts, ...data.of_parts, ...data.related];
  const known = new Map(told(before).map((fact) => [fact.fact, JSON.stringify(fact)]));
  for (const fact of told(after)) {
    if (known.get(fact.fact) !== JSON.stringify(fact)) state.touched.add(`fact ${fact.fact}`);
  }
}

/** @param {Item} item */
function touchesPage(item) {
  const { key, data } = state.page;
  const beside = [key, ...(data?.associations ?? []).map((a) => a.subject), ...(data?.members ?? [])];
  return concerns(item).some((one) => beside.includes(one));
}

/**
 * What an answer has failed with; anything else is thrown again.
 * @param {unknown} thrown
 */
function ofQuestion(thrown) {
  if (!(thrown instanceof Failure)) throw thrown;
  return thrown;
}

/** @param {Failure} failure */
function isRefused(failure) {
  if (failure.status === 401) signOut("The token or the session is not valid, or not any more.");
  return failure.status === 401;
}

/**
 * Opens the page with a link or a token that somebody has given; all that was known before is forgotten.
 * @param {string} text
 */
export async function openWith(text) {
  history.replaceState(null, "", offer(text) || location.pathname);
  try {
    await signIn();
    location.reload();
  } catch (failure) {
    const isWrong = failure instanceof Failure && failure.status === 401;
    state.signedOut = null;
    signOut(isWrong ? "The token is not valid, or not any more." : "The service does not answer: try again.");
  }
}

/** Leaves the page, here and in the other tabs that show it to this party. */
export function leaveAll() {
  leave();
  // Whether or not the service hears of it: the name of the session is gone with this tab.
  signOff().catch(() => {});
  signOut("You have left. The link opens the page again.");
}

/**
 * Shows the door; the first reason is the one that is told.
 * @param {string} why
 */
export function signOut(why) {
  stream?.stop();
  forgetSession();
  state.signedOut ??= why;
  changed();
}

setInterval(() => state.signedOut === null && renew().catch(() => {}), RENEW_EVERY);

/**
 * @param {number} tries
 * @param {Failure} failure
 */
function pauseAfter(tries, failure) {
  return Math.min(Math.max(1000 * 2 ** Math.min(tries, 4), failure.retryAfter * 1000), LONGEST_PAUSE);
}

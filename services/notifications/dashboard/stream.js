// The live stream, read with fetch: an EventSource sends no header that names the session, and one 503 closes it for good.
//
// The reader comes back by itself with `Last-Event-ID`, so that nothing is missed; whoever takes the items drops
// those that it has. What it says of the connection is what it knows: when it last heard anything.

import { Failure, failureOf, headers } from "./api.js";

/** @import { Connection, Item } from "../dashboard.d.ts" */

/**
 * One server-sent event.
 * @typedef {{ type: string, data?: string, id?: string, retry?: number }} ServerEvent
 */

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 8000;
// The service says something every 15 seconds; a connection that is silent for much longer is broken.
const HEARD_EVERY = 20_000;
const SILENT_AFTER = 40_000;
// Shorter gaps are told as "reconnecting"; longer ones mean that the page is not to be trusted.
const STALE_AFTER = 5000;
// A browser has few connections to a host for all its tabs: one that nobody looks at gives its own back.
const HIDDEN_FOR = 60_000;
const LOOK_EVERY = 500;

/**
 * Follows the stream from a cursor. `onItem(item)` gets each item, `onState(state)` each change of
 * `{ phase, heard, next }`: phase is connecting, live, reconnecting, stale or refused; the others are times.
 * @param {string} path
 * @param {number} cursor
 * @param {{ onItem(item: Item): void, onState(state: Connection): void }} listener
 */
export function follow(path, cursor, { onItem, onState }) {
  /** @type {Connection & { heard: number }} */
  const state = { phase: "connecting", heard: Date.now(), next: null };
  let pause = FIRST_PAUSE;
  let from = String(cursor);
  let tries = 0;
  let begun = 0;
  /** @type {number | null} */
  let hiddenSince = null;
  let wake = () => {};
  let hangUp = () => {};
  let isStopped = false;

  const tell = (/** @type {Partial<Connection>} */ changes) => onState({ ...Object.assign(state, changes) });
  const age = () => Date.now() - state.heard;
  const isUnwatched = () => hiddenSince !== null && Date.now() - hiddenSince > HIDDEN_FOR;

  async function once() {
    const aborter = new AbortController();
    hangUp = () => aborter.abort();
    begun = Date.now();
    try {
      const answer = await fetch(path, {
        headers: { ...headers(), Accept: "text/event-stream", "Last-Event-ID": from },
        signal: aborter.signal,
        cache: "no-store",
      });
      if (!answer.ok) throw await failureOf(answer);
      const feed = parser((event) => {
        if (event.retry) pause = Math.min(event.retry, LONGEST_PAUSE);
        if (event.type === "item" && event.data) onItem(JSON.parse(event.data));
        if (event.id) from = event.id;
      });
      if (!answer.body) throw new Failure(0, "no answer");
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        state.heard = Date.now();
        if (state.phase !== "live") tell({ phase: "live", next: null });
        tries = 0;
        feed(value);
      }
    } finally {
      hangUp = () => {};
      // A connection that breaks was good until then, unless it had gone silent before.
      if (state.phase === "live" && age() < HEARD_EVERY) state.heard = Date.now();
    }
  }

  async function run() {
    while (!isStopped) {
      let asked = 0;
      try {
        await once();
      } catch (failure) {
        if (failure instanceof Failure && failure.status === 401) return tell({ phase: "refused", next: null });
        if (failure instanceof Failure) asked = failure.retryAfter * 1000;
      }
      if (isStopped) return;
      // Not all pages come back at the same moment.
      const spread = 0.8 + 0.4 * Math.random();
      const wait = spread * Math.min(Math.max(pause * 2 ** Math.min(tries++, 4), asked), LONGEST_PAUSE);
      const phase = age() > STALE_AFTER ? "stale" : "reconnecting";
      tell({ phase, next: isUnwatched() ? null : Date.now() + wait });
      await rest(isUnwatched() ? null : wait);
    }
  }

  /**
   * Waits so long, or until it is woken; without a time, until it is woken.
   * @param {number | null} wait
   */
  async function rest(wait) {
    await new Promise((resolve) => {
      wake = () => resolve(undefined);
      if (wait !== null) setTimeout(wake, wait);
    });
    wake = () => {};
  }

  const looking = setInterval(() => {
    if (state.phase === "reconnecting" && age() > STALE_AFTER) tell({ phase: "stale" });
    // Also after the machine was asleep: then the clock has moved and nothing else.
    if (isUnwatched() || Math.min(age(), Date.now() - begun) > SILENT_AFTER) hangUp();
  }, LOOK_EVERY);
  const now = () => wake();
  const lost = () => hangUp();
  const seen = () => {
    hiddenSince = document.hidden ? Date.now() : null;
    if (!document.hidden) wake();
  };
  addEventListener("online", now);
  addEventListener("offline", lost);
  document.addEventListener("visibilitychange", seen);
  run();
  return {
    retryNow: now,
    stop() {
      isStopped = true;
      clearInterval(looking);
      removeEventListener("online", now);
      removeEventListener("offline", lost);
      document.removeEventListener("visibilitychange", seen);
      hangUp();
      wake();
    },
  };
}

/**
 * Reads server-sent events from pieces of text, cut anywhere.
 * @param {(event: ServerEvent) => void} onEvent
 */
export function parser(onEvent) {
  let rest = "";
  /** @type {Partial<ServerEvent>} */
  let event = {};
  return (/** @type {string} */ text) => {
    rest += text;
    // A carriage return at the end may be half of a line end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (Object.keys(event).length) onEvent({ type: "message", ...event });
        event = {};
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") event.type = value;
      else if (name === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
      else if (name === "id") event.id = value;
      else if (name === "retry" && /^\d+$/.test(value)) event.retry = Number(value);
    }
  };
}

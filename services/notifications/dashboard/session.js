// Whose page this is: the session that a link has opened.
//
// The token of a link stands behind its #, which no browser sends to anybody. The page gives it away once, for a session,
// and keeps it nowhere. The session is a cookie that no script can read, and a name, which says which cookie is meant.
//
// The name is kept for one tab, in sessionStorage, so that links of two parties can be open side by side. A tab that
// somebody opens from a link on this page has none of its own: it asks the other tabs of this origin, and takes the
// answer of the one that was used last, which is the one with that link.

const KEPT = "corridor.session";
const LINK = /#token=([^/?&#\s]+)(\/\S*)?/;
const FIRST_ANSWER_WITHIN = 1000;
const OTHERS_WITHIN = 100;

const channel = new BroadcastChannel("corridor.session");
let usedAt = Date.now();
/** @type {string | null} */
let offered = null;

/** The name of this tab's session. */
export function session() {
  return sessionStorage.getItem(KEPT);
}

/** @param {string} name */
export function keepSession(name) {
  offered = null;
  sessionStorage.setItem(KEPT, name);
}

export function forgetSession() {
  offered = null;
  sessionStorage.removeItem(KEPT);
}

/** The token that is still to be exchanged for a session. */
export function offeredToken() {
  return offered;
}

/**
 * Takes the token of a link, or one that somebody has pasted. Returns the view that a link leads to.
 * @param {string} text
 */
export function offer(text) {
  const found = LINK.exec(text);
  offered = found ? decodeURIComponent(found[1]) : text.trim();
  return found ? `#${found[2] ?? "/shipments"}` : location.hash;
}

/**
 * Whether an address has a token in it.
 * @param {string} address
 */
export function isLink(address) {
  return LINK.test(address);
}

/** The token out of the address, and out of the address bar; or the session of another tab. Whether there is either. */
export async function takeLink() {
  if (isLink(location.hash)) {
    history.replaceState(history.state, "", offer(location.hash));
  } else if (!session()) {
    const answer = await ask();
    if (answer) keepSession(answer);
  }
  return offered !== null || session() !== null;
}

/** Tells the other tabs with this session that whoever looks at them has left: who leaves one, leaves them all. */
export function leave() {
  channel.postMessage({ left: session() });
}

/**
 * Answers other tabs that ask, and hears when this party leaves from one of them.
 * @param {() => void} onLeft
 */
export function share(onLeft) {
  for (const sign of ["pointerdown", "keydown", "contextmenu"]) {
    addEventListener(sign, () => (usedAt = Date.now()), { capture: true, passive: true });
  }
  channel.onmessage = ({ data }) => {
    if (data.asks && session()) channel.postMessage({ answers: data.asks, session: session(), usedAt });
    if (data.left && data.left === session()) onLeft();
  };
}

/** @returns {Promise<string | null>} */
function ask() {
  const name = `${Date.now()} ${Math.random()}`;
  /** @type {{ session: string, usedAt: number }[]} */
  const answers = [];
  return new Promise((resolve) => {
    const done = () => resolve(answers.sort((a, b) => b.usedAt - a.usedAt)[0]?.session ?? null);
    setTimeout(done, FIRST_ANSWER_WITHIN);
    channel.onmessage = ({ data }) => {
      if (data.answers !== name) return;
      answers.push(data);
      setTimeout(done, OTHERS_WITHIN);
    };
    channel.postMessage({ asks: name });
  });
}

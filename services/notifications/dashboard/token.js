// Whose page this is: the token, out of the link that opened it.
//
// It is kept for one tab, in sessionStorage. In localStorage it would outlive the tabs on a machine that several people
// use, and links of two parties could not be open side by side. A tab that somebody opens from a link on this page has
// none of its own: it asks the other tabs of this origin, and takes the answer of the one that was used last, which is
// the one with that link. Nobody else hears it: the channel is for one origin, and the policy lets only our scripts run.

const KEPT = "corridor.token";
const FIRST_ANSWER_WITHIN = 1000;
const OTHERS_WITHIN = 100;

const channel = new BroadcastChannel("corridor.token");
let usedAt = Date.now();

export function token() {
  return sessionStorage.getItem(KEPT);
}

/** The token of this tab: out of the address, and out of the address bar; or from another tab; or null. */
export async function takeToken() {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given) {
    keepToken(given);
    address.searchParams.delete("token");
    history.replaceState(history.state, "", address);
  } else if (!token()) {
    const found = await ask();
    if (found) keepToken(found);
  }
  return token();
}

/** Keeps a token, or a link that has one, which somebody has pasted. */
export function keepToken(text) {
  const found = /[?&]token=([^&#\s]+)/.exec(text);
  sessionStorage.setItem(KEPT, found ? decodeURIComponent(found[1]) : text.trim());
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT);
}

/** Tells the other tabs with this token that whoever looks at them has left: who leaves one, leaves them all. */
export function leave() {
  channel.postMessage({ left: token() });
}

/** Answers other tabs that ask, and hears when this party leaves from one of them. */
export function share(onLeft) {
  for (const sign of ["pointerdown", "keydown", "contextmenu"]) {
    addEventListener(sign, () => (usedAt = Date.now()), { capture: true, passive: true });
  }
  channel.onmessage = ({ data }) => {
    if (data.asks && token()) channel.postMessage({ answers: data.asks, token: token(), usedAt });
    if (data.left && data.left === token()) onLeft();
  };
}

function ask() {
  const name = `${Date.now()} ${Math.random()}`;
  const answers = [];
  return new Promise((resolve) => {
    const done = () => resolve(answers.sort((a, b) => b.usedAt - a.usedAt)[0]?.token ?? null);
    setTimeout(done, FIRST_ANSWER_WITHIN);
    channel.onmessage = ({ data }) => {
      if (data.answers !== name) return;
      answers.push(data);
      setTimeout(done, OTHERS_WITHIN);
    };
    channel.postMessage({ asks: name });
  });
}

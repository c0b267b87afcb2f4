/** The menu: sign in, read reminders, leave. Nothing is kept on the phone, and every load starts closed. */

const RETRY_MS = 5000;
const SHOWN_MOST = 50;

const panel = document.getElementById("panel");
const opener = document.getElementById("menu");
let isSignedIn = false;
let stream = null;
let retry = null;
let cursor = null;

function make(tag, values = {}, ...children) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
}

function open() {
  opener.setAttribute("aria-expanded", "true");
  panel.hidden = false;
  const number = make("input", { id: "number", inputMode: "numeric", autocomplete: "off", required: true, maxLength: 19 });
  // Not of type password: a browser would offer to keep it.
  const code = make("input", { id: "code", className: "masked", inputMode: "numeric", autocomplete: "off", required: true, maxLength: 12 });
  const problem = make("p", { id: "problem" });
  problem.setAttribute("aria-live", "assertive");
  const form = make(
    "form",
    { autocomplete: "off" },
    make("h2", { textContent: "Reminders" }),
    make("label", { htmlFor: "number", textContent: "Number" }),
    number,
    make("label", { htmlFor: "code", textContent: "Code" }),
    code,
    problem,
    make("button", { className: "strong", textContent: "Open" }),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const isRight = await signIn(number.value.replace(/\D/g, ""), code.value);
    code.value = "";
    isSignedIn ||= isRight;
    if (isRight) list();
    else problem.textContent = "That did not work.";
  });
  panel.replaceChildren(form);
  number.focus();
}

/** Close the menu and forget what it showed. */
function close() {
  opener.setAttribute("aria-expanded", "false");
  clearTimeout(retry);
  stream?.close();
  stream = null;
  cursor = null;
  panel.replaceChildren();
  panel.hidden = true;
}

async function signIn(number, pin) {
  try {
    const body = JSON.stringify({ number, pin });
    const headers = { "Content-Type": "application/json" };
    return (await fetch("/session", { method: "POST", headers, body })).ok;
  } catch {
    return false;
  }
}

function list() {
  const items = make("ul", { id: "reminders" });
  items.setAttribute("aria-live", "polite");
  const nothing = make("p", { className: "soft", id: "nothing", textContent: "Nothing new." });
  const lost = make("p", { className: "soft", id: "lost", hidden: true, textContent: "Not connected. Trying again." });
  const done = make("button", { type: "button", textContent: "Close", id: "close" });
  done.addEventListener("click", leave);
  panel.replaceChildren(make("h2", { textContent: "Reminders" }), lost, nothing, items, make("p", { className: "row" }, done));
  follow(items, nothing, lost);
}

function follow(items, nothing, lost) {
  stream = new EventSource(cursor === null ? "/stream" : `/stream?after=${encodeURIComponent(cursor)}`);
  const seen = new Set();
  stream.onopen = () => {
    lost.hidden = true;
  };
  stream.onmessage = (event) => {
    cursor = event.lastEventId || cursor;
    const { id, text, at } = JSON.parse(event.data);
    fetch(`/messages/${encodeURIComponent(id)}/receipt`, { method: "POST" }).catch(() => {});
    if (seen.has(id)) return;
    seen.add(id);
    nothing.hidden = true;
    items.prepend(make("li", {}, make("span", { textContent: text }), make("time", { dateTime: at, textContent: when(at) })));
    while (items.children.length > SHOWN_MOST) items.lastChild.remove();
  };
  stream.onerror = () => {
    lost.hidden = false;
    // A browser gives up for good when the answer is an error, so it is begun anew.
    if (stream.readyState !== EventSource.CLOSED) return;
    clearTimeout(retry);
    retry = setTimeout(() => follow(items, nothing, lost), RETRY_MS);
  };
}

function when(at) {
  const moment = new Date(at);
  const isToday = moment.toDateString() === new Date().toDateString();
  const hours = { hour: "2-digit", minute: "2-digit" };
  return moment.toLocaleString("en-GB", isToday ? hours : { day: "numeric", month: "short", ...hours });
}

/** Empty the menu at once; after signing in, end the session and put a fresh page in the place of this one. */
function leave() {
  close();
  if (!isSignedIn) return; // nothing was shown: the tool goes on undisturbed
  fetch("/session", { method: "DELETE", keepalive: true }).catch(() => {});
  location.replace("/");
}

opener.addEventListener("click", () => (panel.hidden ? open() : leave()));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") leave();
});
// A page kept by the browser for its Back button must not hold anything.
addEventListener("pagehide", close);

/** Starts the case worker's page: sign in, today's work, one pathway with how to reach her above all. */

import { ask, onDenied } from "/console/server.js";
import { byId, make, say } from "/console/dom.js";
import { Reach } from "./reach.js";
import { Steps } from "./steps.js";
import { KINDS, RUNGS, STATES, moment } from "./words.js";

const LISTS = ["accept", "overdue", "due", "contacts"];
const EMPTY = {
  accept: "Nothing waits for your answer.",
  overdue: "Nothing is overdue.",
  due: "Nothing is due.",
  contacts: "Nobody to speak to.",
};
const REASON_OF = { accept: "offer", overdue: "overdue", due: "own_step", contacts: "contact" };

const reach = new Reach(acted);
let steps = null;
let chosen = null; // { id, reason }

async function start() {
  byId("sign-in").addEventListener("submit", signIn);
  byId("sign-out").addEventListener("click", signOut);
  byId("again").addEventListener("click", () => acted(async () => {}));
  byId("open").addEventListener("submit", openPathway);
  try {
    await enter(await ask("GET", "/api/session"));
  } catch {
    byId("login").focus();
  }
}

async function signIn(event) {
  event.preventDefault();
  const form = byId("sign-in");
  say(byId("sign-in-problem"), "");
  try {
    await enter(await ask("POST", "/api/session", { login: form.login.value, secret: form.secret.value }));
    form.reset();
  } catch (error) {
    form.secret.value = "";
    say(byId("sign-in-problem"), error.message);
  }
}

async function signOut() {
  try {
    await ask("DELETE", "/api/session");
  } finally {
    location.reload(); // nothing of the desk stays in memory
  }
}

async function enter(account) {
  const [content, agencies] = await Promise.all([ask("GET", "/api/pathways/steps"), ask("GET", "/api/agencies?page_size=500")]);
  steps = new Steps(acted, content, agencies);
  const firsts = agencies.filter((one) => !one.retired_at && content.steps[3].kinds.includes(one.kind));
  byId("open-agency").replaceChildren(...firsts.map((one) => make("option", { value: one.id }, one.name)));
  onDenied(() => location.reload());
  byId("door").hidden = true;
  byId("desk").hidden = false;
  say(byId("who"), account.login);
  await readWork();
}

/** Do what the user asked for; say what went wrong; and read everything again either way. */
async function acted(act) {
  say(byId("problem"), "");
  try {
    await act();
  } catch (error) {
    say(byId("problem"), error.message);
  }
  try {
    await readWork();
    if (chosen) await readChosen();
  } catch (error) {
    if (error.status === 404) leave();
    else say(byId("problem"), error.message);
  }
}

async function readWork() {
  const work = await ask("GET", "/api/pathways/work");
  for (const list of LISTS) {
    const items = work[list].map((item) => make("li", {}, itemButton(list, item)));
    byId(list).replaceChildren(...(items.length ? items : [make("li", { class: "quiet" }, EMPTY[list])]));
  }
  say(byId("read-at"), `Read ${moment(new Date().toISOString())}`);
}

function itemButton(list, item) {
  const marks = [];
  if (item.not_safe) marks.push(make("span", { class: "mark stop" }, "Do not contact her"));
  if (item.urgency === "acute") marks.push(make("span", { class: "mark acute" }, "Acute"));
  if (item.is_mine) marks.push(make("span", { class: "mark" }, "Yours"));
  const what = item.number === null ? KINDS[item.kind] : `${KINDS[item.kind]}: ${steps.title(item.number)}`;
  const asked = item.rung ? `asked: ${RUNGS[item.rung]}` : item.state ? STATES[item.state] : "";
  const facts = [item.reference, asked, `by ${moment(item.due_at)}`].filter(Boolean).join(" · ");
  const current = String(item.pathway_id === chosen?.id);
  const button = make("button", { type: "button", "aria-current": current }, ...marks, make("b", {}, what), facts);
  button.addEventListener("click", () => {
    reach.reset();
    chosen = { id: item.pathway_id, reason: REASON_OF[list] };
    acted(async () => {});
  });
  return button;
}

async function readChosen() {
  await reach.load(chosen.id); // before anything else about her
  const pathway = await ask("GET", `/api/pathways/${chosen.id}?reason=${chosen.reason}`);
  byId("none").hidden = true;
  byId("chosen").hidden = false;
  const facts = `${pathway.urgency} · fixed contact: ${pathway.contact_name || "none"} · next contact: ${moment(pathway.next_contact_at)}`;
  byId("head").replaceChildren(make("h2", {}, pathway.reference), make("p", { class: "quiet" }, facts), nextContact(pathway));
  steps.show(pathway);
}

function nextContact(pathway) {
  const at = make("input", { type: "datetime-local", "aria-label": "Next contact" });
  const set = make("button", { type: "button" }, "Set the next contact");
  set.addEventListener("click", () =>
    acted(() => ask("PUT", `/api/pathways/${pathway.id}/next-contact`, { at: at.value ? new Date(at.value).toISOString() : "" })),
  );
  return make("div", { class: "actions" }, at, set);
}

function openPathway(event) {
  event.preventDefault();
  const form = byId("open");
  acted(async () => {
    const body = { agency_id: form.agency.value, urgency: form.urgency.value };
    const opened = await ask("POST", "/api/pathways", body);
    reach.reset();
    chosen = { id: opened.id, reason: "contact" };
  });
}

function leave() {
  chosen = null;
  byId("chosen").hidden = true;
  byId("none").hidden = false;
}

start();

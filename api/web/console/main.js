/** Starts the control room: sign in, then queue, map and detail fed by the stream. */

import { OwnAccount } from "./account.js";
import { Calls } from "./calls.js";
import { Closed } from "./closed.js";
import { Desk } from "./desk.js";
import { Detail } from "./detail.js";
import { byId, say } from "./dom.js";
import { Drills } from "./drills.js";
import { enrol } from "./enrol.js";
import { Health } from "./health.js";
import { LiveMap } from "./map.js";
import { Playbook } from "./playbook.js";
import { Queue, parties } from "./queue.js";
import { Stream, ask, now, onDenied } from "./server.js";
import { prepareSound, ring } from "./sound.js";
import { Staff } from "./staff.js";
import { KINDS, PROVIDER, REASONS, ROLES, SEVERITIES, time, worded } from "./words.js";

const TRACK_MINUTES = 30;
const RELOAD_AFTER_MS = 3000;
/** Messages go out and receipts come in after an entry of the log, and the stream does not tell of them. */
const DELIVERIES_AFTER_MS = 4000;
const TOAST_MS = 6000;
/** The queue's first rows get their last event read when the page opens; the stream brings those of the others. */
const READ_AT_START = 20;
const SESSION_ENDED = "#ended";
const SUPERVISOR = "supervisor";
const ENROLLING = "enrolling";
const IN_THE_ROOM = ["operator", SUPERVISOR];

const desk = new Desk();
const health = new Health();
const playbook = new Playbook();
let parts = null;
let stream = null;
let waiting = null; // stream messages that came while the queue was being read; null = nothing is read now
let toastTimer = null;
let deliveriesTimer = null;
let drawing = false;

async function start() {
  byId("sign-in").addEventListener("submit", signIn);
  for (const id of ["sign-out", "elsewhere-out"]) byId(id).addEventListener("click", signOut);
  const reason = reasonOf(location.hash);
  try {
    enter(await ask("GET", "/api/session"));
  } catch {
    history.replaceState(null, "", "/");
    showDoor(reason);
    showWays();
  }
}

/** Return why the page begins at the door, in words; nothing when somebody just came. */
function reasonOf(hash) {
  if (hash === SESSION_ENDED) return "You are no longer signed in. Alerts are not shown until you sign in again.";
  return Object.hasOwn(PROVIDER, hash.slice(1)) ? PROVIDER[hash.slice(1)] : "";
}

/** Offer the organisation's own sign-in where there is one, and say so where a password alone is let in. */
async function showWays() {
  try {
    const { provider, code_is_demanded } = await ask("GET", "/api/session/ways");
    byId("provider").hidden = !provider;
    byId("no-code").hidden = code_is_demanded;
  } catch {
    // The password's way is there all the same; a server that does not answer is told when it is tried.
  }
}

async function signIn(event) {
  event.preventDefault();
  const form = byId("sign-in");
  say(byId("sign-in-problem"), "");
  try {
    enter(await ask("POST", "/api/session", { login: form.login.value, secret: form.secret.value, code: form.code.value }));
    form.reset();
  } catch (error) {
    form.secret.value = form.code.value = "";
    form.secret.focus();
    say(byId("sign-in-problem"), error.message);
  }
}

async function signOut() {
  try {
    await ask("DELETE", "/api/session");
  } finally {
    location.reload(); // nothing of the room stays in memory
  }
}

function showDoor(reason) {
  byId("room").hidden = true;
  byId("door").hidden = false;
  say(byId("sign-in-problem"), reason);
  byId("login").focus();
}

/** The door has one card at a time. */
function showCard(id) {
  for (const card of byId("door").children) card.hidden = card.id !== id;
}

function enter(account) {
  if (account.role === ENROLLING) {
    showCard("enrol");
    onDenied(denied);
    enrol(byId("enrol"), () => location.reload());
    return;
  }
  if (!IN_THE_ROOM.includes(account.role)) {
    showCard("elsewhere");
    say(byId("elsewhere-who"), `${account.login} · ${worded(ROLES, account.role)}. The control room is not part of your work: nothing of it is shown.`);
    return;
  }
  byId("door").hidden = true;
  byId("room").hidden = false;
  say(byId("who"), `${account.login} · ${account.role}`);
  parts ??= openRoom(account.login, account.role === SUPERVISOR);
  health.start();
  stream = new Stream({ open: streamOpened, lost: () => health.streamLost(), message: heard });
  onDenied(denied);
  stream.run();
  byId("alerts").focus();
}

/** The session ended: start over, so that nothing of the room stays in memory for whoever comes next. */
function denied() {
  location.hash = SESSION_ENDED;
  location.reload();
}

function openRoom(login, isSupervisor) {
  prepareSound();
  const room = {
    calls: new Calls(desk, chooseIfThere),
    map: new LiveMap(desk),
    queue: new Queue(desk, choose),
    detail: new Detail(desk, playbook, isSupervisor, acted),
    drills: new Drills(playbook, isSupervisor, chooseIfThere),
    closed: new Closed(lookAgain),
    account: new OwnAccount(),
    staff: new Staff(login, isSupervisor),
  };
  document.addEventListener("keydown", keyPressed);
  setInterval(tick, 1000);
  return room;
}

/** Read everything anew: after any gap the stream alone could have missed what a purge or restore changed. */
async function streamOpened() {
  waiting = [];
  try {
    const [alerts, map] = await Promise.all([ask("GET", "/api/alerts?state=unresolved"), ask("GET", "/api/map")]);
    desk.replaceAlerts(alerts);
    desk.replaceMap(map.orders);
  } catch (error) {
    if (error.status !== 401) setTimeout(streamOpened, RELOAD_AFTER_MS);
    return;
  }
  const later = waiting;
  waiting = null;
  later.forEach(([name, content]) => heard(name, content));
  health.streamOpened();
  parts.calls.read();
  readPlaybook();
  if (!desk.chosen && desk.alerts.size) choose(desk.ranked()[0].id);
  else if (desk.chosen) {
    refreshChosen();
    loadTracks();
  } else leave();
  draw();
}

function heard(name, content) {
  if (waiting !== null) {
    waiting.push([name, content]);
  } else if (name === "alert") {
    heardAlert(content);
  } else if (name === "positions") {
    content.positions.forEach((position) => {
      desk.takePosition(position);
      if (position.order_id === desk.chosen?.order_id) parts.map.extendTrack(position);
    });
    draw();
  }
}

function heardAlert({ alert, entry }) {
  parts.calls.soon();
  const isNew = desk.takeAlert(alert, entry.event);
  if (alert.state === "open" && (isNew || entry.kind === "raised")) announce(alert);
  if (isNew || !desk.orders.has(alert.order_id)) loadMap();
  if (alert.id === desk.chosenId) {
    if (alert.state === "resolved" && desk.closed?.id !== alert.id) leave();
    else refreshChosen();
  }
  if (!desk.chosen && desk.alerts.size) choose(desk.ranked()[0].id);
  draw();
}

function announce(alert) {
  const text = `New alert, ${worded(SEVERITIES, alert.severity)}: ${worded(KINDS, alert.kind)}. ${parties(alert)}`;
  say(byId(alert.severity === 1 ? "news-now" : "news"), text);
  if (alert.severity <= 2) ring(alert.severity);
}

/** The words of steps; alerts do not wait for them. */
async function readPlaybook() {
  try {
    await playbook.read();
    draw();
  } catch (error) {
    if (error.status !== 401) setTimeout(readPlaybook, RELOAD_AFTER_MS);
  }
}

async function loadMap() {
  try {
    desk.replaceMap((await ask("GET", "/api/map")).orders);
    draw();
  } catch {
    setTimeout(loadMap, RELOAD_AFTER_MS);
  }
}

function choose(id) {
  if (id === desk.chosenId) return;
  desk.chosenId = id;
  parts.detail.reset();
  parts.map.showTracks([]);
  draw();
  refreshChosen();
  loadTracks();
}

/** Choose an alert that something else tells of; says whether it is in the queue. */
function chooseIfThere(id) {
  const isThere = desk.alerts.has(id);
  if (isThere) choose(id);
  return isThere;
}

/** Show an alert that is resolved; the queue goes on beside it. */
function lookAgain(alert) {
  desk.closed = alert;
  choose(alert.id);
}

/** Turn to the next alert when the chosen one is gone. */
function leave() {
  desk.chosenId = null;
  parts.detail.reset();
  parts.map.showTracks([]);
  const next = desk.ranked()[0];
  if (next) choose(next.id);
}

/** Read the chosen alert anew. Each reading is a row of the audit trail, so it follows news, not a clock. */
async function refreshChosen() {
  clearTimeout(deliveriesTimer);
  deliveriesTimer = setTimeout(() => parts.detail.load(), DELIVERIES_AFTER_MS);
  await parts.detail.load();
  draw();
}

async function loadTracks() {
  const alert = desk.chosen;
  if (!alert?.order_id) return;
  try {
    const { tracks } = await ask("GET", `/api/alerts/${alert.id}/tracks?minutes=${TRACK_MINUTES}`);
    if (alert.id === desk.chosenId) parts.map.showTracks(tracks);
  } catch {
    // The health bars tell that the server does not answer; the last tracks keep their ages.
  }
}

function acted(alert, done) {
  const words = done === "resolved" ? `Resolved: ${worded(REASONS, alert.resolve_reason)}` : "Acknowledged";
  toast(`${words} · ${alert.order_reference ?? worded(KINDS, alert.kind)}`);
  desk.takeAlert(alert, null);
  if (done === "resolved") leave();
  else refreshChosen();
  draw();
  readLastEvents();
}

/** Read the last event of the top rows: distance and doubts are in it, and the list does not tell them. */
async function readLastEvents() {
  for (const { id } of desk.ranked().slice(0, READ_AT_START)) {
    if (desk.lastEvents.has(id) || id === desk.chosenId) continue;
    try {
      const told = (await ask("GET", `/api/alerts/${id}`)).entries.filter((entry) => entry.event);
      if (told.length && desk.alerts.has(id) && !desk.lastEvents.has(id)) desk.lastEvents.set(id, told.at(-1).event);
    } catch {
      return; // the health bars tell that the server does not answer; the next connection tries again
    }
    draw();
  }
}

function toast(text) {
  say(byId("toast"), text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => say(byId("toast"), ""), TOAST_MS);
}

function keyPressed(event) {
  if (byId("room").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (parts.detail.closeForm() || parts.drills.back() || parts.closed.back()) return;
    if (parts.account.back() || parts.staff.back()) return;
    byId("alerts").focus();
    return;
  }
  if (event.target.closest("input, textarea, select, #map, #calls, #drills, #closed, #account, #staff")) return;
  const act = {
    ArrowDown: () => parts.queue.move(1),
    j: () => parts.queue.move(1),
    ArrowUp: () => parts.queue.move(-1),
    k: () => parts.queue.move(-1),
    a: () => parts.detail.acknowledge(),
    r: () => parts.detail.openForm(),
    c: () => parts.calls.focus(),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** Draw once per frame, however many messages a frame brings. */
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    parts.queue.show();
    parts.detail.show();
    parts.map.show();
  });
}

function tick() {
  say(byId("clock"), time(new Date(now()).toISOString(), now()));
  parts.calls.tick();
  parts.queue.tick();
  parts.detail.tick();
  parts.map.tick();
  health.show();
}

start();

/** The calls that somebody here is to make: always at the head of the room, the overdue first. */

import { byId, make, say } from "./dom.js";
import { Problem, ageOf, ask, now } from "./server.js";
import { ring } from "./sound.js";
import { Stations } from "./stations.js";
import { KINDS, OUTCOMES, TASKS, duration, inside, time, worded } from "./words.js";

const EVERY_MS = 5000;
/** News in a flood comes by hundreds; the list is read once for all that came in this time. */
const GATHER_MS = 300;
/** Rows drawn; a flood of 700 alerts must not make 700 rows of buttons. */
const MOST_SHOWN = 20;
const MAX_WORDS = 2000;
/** What an operator can say of a call; the rest of the outcomes only the server says. */
const CHOICES = ["reached", "no_answer", "voicemail", "refused", "wrong_number"];

const isOverdue = (task) => task.due_at !== null && ageOf(task.due_at) >= 0;
const isFocused = (row) => row.root.contains(document.activeElement);

export class Calls {
  #desk;
  #choose;
  #stations = new Stations();
  #tasks = [];
  #rows = new Map();
  #noted = new Set();
  #rung = new Set();
  #known = null; // ids of the reading before; null = this is the first
  #reading = false;
  #again = false;
  #gathering = null;
  #unread_at = null;

  /**
   * @param {Object} desk the shared state, see `desk.js`
   * @param {function(string)} choose called with an alert's id
   */
  constructor(desk, choose) {
    this.#desk = desk;
    this.#choose = choose;
    setInterval(() => this.read(), EVERY_MS);
  }

  /** Read the list shortly: something has happened. */
  soon() {
    this.#gathering ??= setTimeout(() => this.read(), GATHER_MS);
  }

  async read() {
    clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    try {
      this.#take(await ask("GET", "/api/tasks"));
      this.#unread_at = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#unread_at ??= now();
    } finally {
      this.#reading = false;
    }
    this.show();
    if (this.#again) {
      this.#again = false;
      this.soon();
    }
  }

  /** Put the focus on the first call; says whether there is one. */
  focus() {
    const first = byId("calls-list").querySelector("button");
    first?.focus();
    return first !== null;
  }

  show() {
    const list = byId("calls-list");
    const order = [...this.#tasks].sort((a, b) => this.#byUrgency(a, b));
    const inUse = ({ id }) => this.#rows.has(id) && (isFocused(this.#rows.get(id)) || this.#rows.get(id).note.value);
    const shown = order.filter((task, index) => index < MOST_SHOWN || inUse(task));
    const wanted = new Set(shown.map((task) => task.id));
    const gone = [...this.#rows].filter(([id]) => !wanted.has(id));
    const wasFocused = gone.some(([, row]) => isFocused(row));
    gone.forEach(([id, row]) => this.#remove(id, row));
    for (const task of shown) if (!this.#rows.has(task.id)) this.#rows.set(task.id, this.#newRow(task));
    const rows = shown.map((task) => this.#rows.get(task.id).root);
    arrange(list, rows, rows.find((root) => root.contains(document.activeElement)) ?? null);
    this.#say(order.length, shown.length);
    if (wasFocused && !this.focus()) byId("calls-title").focus();
    this.tick();
  }

  /** Refresh what changes by the mere passing of time, and ring when a call becomes overdue. */
  tick() {
    for (const task of this.#tasks) {
      const row = this.#rows.get(task.id);
      if (row) this.#age(row, task);
    }
    const late = this.#tasks.filter((task) => isOverdue(task) && !this.#rung.has(task.id));
    if (late.length === 0) return;
    late.forEach((task) => this.#rung.add(task.id));
    ring(1);
    say(byId("news-now"), late.length === 1 ? `Overdue: ${this.#named(late[0])}` : `${late.length} calls are overdue`);
    this.show();
  }

  #take(tasks) {
    this.#tasks = tasks.filter((task) => !this.#noted.has(task.id));
    const ids = new Set(tasks.map((task) => task.id));
    for (const seen of [this.#noted, this.#rung]) for (const id of seen) if (!ids.has(id)) seen.delete(id);
    const fresh = this.#tasks.filter((task) => this.#known !== null && !this.#known.has(task.id));
    this.#known = ids;
    if (fresh.length === 1) say(byId("news"), `To call: ${this.#named(fresh[0])}`);
    if (fresh.length > 1) say(byId("news"), `${fresh.length} more calls to make`);
  }

  #byUrgency(a, b) {
    const rank = (task) => this.#desk.alerts.get(task.alert_id)?.severity ?? 5;
    const due = (task) => (task.due_at === null ? Infinity : Date.parse(task.due_at));
    const [dueA, dueB] = [due(a), due(b)];
    return (
      isOverdue(b) - isOverdue(a) ||
      rank(a) - rank(b) ||
      (dueA === dueB ? 0 : dueA - dueB) ||
      Date.parse(a.created_at) - Date.parse(b.created_at) ||
      (a.id < b.id ? -1 : 1)
    );
  }

  #named(task) {
    const alert = this.#desk.alerts.get(task.alert_id);
    const about = alert ? (alert.order_reference ?? worded(KINDS, alert.kind)) : `alert ${task.alert_id.slice(0, 8)}`;
    return `${worded(TASKS, task.kind)}, ${about}`;
  }

  /** Take a row away; whoever was writing in it must hear why. */
  #remove(id, row) {
    if ((isFocused(row) || row.note.value) && !this.#noted.has(id)) {
      this.#tell(`“${row.named}” is no longer to be made: somebody noted it, or its alert was resolved.`);
    }
    row.root.remove();
    this.#rows.delete(id);
  }

  #tell(text) {
    say(byId("calls-problem"), text);
  }

  #say(count, shown) {
    const words = count === 1 ? "1 call to make" : `${count} calls to make`;
    say(byId("calls-title"), count ? words : "No calls to make");
    byId("calls").classList.toggle("none", count === 0);
    say(byId("calls-more"), count > shown ? `The ${shown} most urgent are shown; ${count - shown} more wait.` : "");
    const since = this.#unread_at;
    const stale = since === null ? "" : `✕ Not read since ${time(new Date(since).toISOString(), now())}: there may be more calls.`;
    say(byId("calls-stale"), stale);
  }

  #newRow(task) {
    const row = {
      named: null,
      what: make("button", { type: "button", class: "what", title: "Show its alert" }, worded(TASKS, task.kind)),
      about: make("span", { class: "about" }),
      exercise: make("span", { class: "badge exercise", hidden: true }, "Exercise"),
      since: make("span", { class: "since quiet" }),
      due: make("span", { class: "due" }),
      note: make("input", { maxlength: String(MAX_WORDS), placeholder: "What was said" }),
      problem: make("p", { class: "problem", role: "alert" }),
    };
    row.what.addEventListener("click", () => this.#choose(task.alert_id));
    row.buttons = CHOICES.map((outcome) => {
      const button = make("button", { type: "button" }, OUTCOMES[outcome]);
      button.addEventListener("click", () => this.#note(task, row, outcome));
      return button;
    });
    const facts = make("p", { class: "facts" }, row.what, row.exercise, row.about, row.since, row.due);
    row.outcomes = make("div", { class: "outcomes", role: "group" }, ...row.buttons, row.note);
    row.root = make("li", { "data-id": task.id }, facts, row.outcomes, row.problem);
    this.#name(row, task);
    return row;
  }

  /** Name a row anew when its alert has become known since. */
  #name(row, task) {
    const named = this.#named(task);
    if (row.named === named) return;
    row.named = named;
    row.outcomes.setAttribute("aria-label", `Outcome: ${named}`);
    row.note.setAttribute("aria-label", `What was said: ${named}`);
  }

  #age(row, task) {
    const alert = this.#desk.alerts.get(task.alert_id);
    const of = alert ? [alert.order_reference, worded(KINDS, alert.kind)] : ["not in the queue"];
    const about = [this.#stations.words(task.about), ...of].filter(Boolean).join(" · ");
    const left_s = task.due_at === null ? null : -ageOf(task.due_at);
    this.#name(row, task);
    row.root.classList.toggle("overdue", isOverdue(task));
    row.exercise.hidden = !alert?.exercise;
    say(row.about, about);
    say(row.since, `since ${time(task.created_at, now())}, ${duration(ageOf(task.created_at))}`);
    if (left_s === null) say(row.due, "");
    else say(row.due, left_s > 0 ? `due in ${duration(left_s + 1)}` : `✕ OVERDUE by ${duration(-left_s)}`);
  }

  async #note(task, row, outcome) {
    if (row.isBusy) return;
    const body = { outcome, note: row.note.value.trim() };
    say(row.problem, "");
    this.#tell("");
    row.isBusy = true;
    row.buttons.forEach((button) => button.setAttribute("aria-disabled", "true")); // disabled, it would lose the focus
    try {
      await ask("POST", `/api/tasks/${task.id}/outcome`, body);
      this.#done(task, `Noted: ${row.named}: ${inside(OUTCOMES[outcome])}.`);
    } catch (error) {
      if (error.status === 409 || error.status === 404) {
        this.#done(task, "");
        this.#tell(`Somebody was faster: an outcome of “${row.named}” is noted already. Yours was not kept.`);
      } else {
        say(row.problem, `Not noted. ${error.message}`);
      }
    } finally {
      row.isBusy = false;
      row.buttons.forEach((button) => button.removeAttribute("aria-disabled"));
    }
  }

  #done(task, text) {
    this.#noted.add(task.id);
    this.#tasks = this.#tasks.filter((one) => one.id !== task.id);
    say(byId("news"), text);
    this.show();
    this.read();
  }
}

/** Put `rows` into the list in this order without moving `held`: moved, it would lose the focus. */
function arrange(list, rows, held) {
  const at = held ? rows.indexOf(held) : rows.length;
  rows.slice(0, at).forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  if (!held) return;
  while (list.children[at] !== held) list.append(list.children[at]);
  rows.slice(at + 1).forEach((row, index) => {
    const place = list.children[at + 1 + index] ?? null;
    if (place !== row) list.insertBefore(row, place);
  });
}

/** Everything about the chosen alert: facts, what the operator can do, what was sent, and its log. */

import { byId, make, say } from "./dom.js";
import { Evidence } from "./evidence.js";
import { logLine, sentLine } from "./log.js";
import { badges, doubtsOf, howFar, parties, whyHere } from "./queue.js";
import { ageOf, ask, now } from "./server.js";
import { Steps } from "./steps.js";
import { DOUBTS, KINDS, PARTIES, REASONS, duration, length, time, worded } from "./words.js";

const NOTHING = { entries: [], notifications: [], steps: [], tasks: [] };

export class Detail {
  #desk;
  #full = null;
  #parts;
  #acted;
  #playbook;
  #steps;
  #evidence;

  /**
   * @param {Object} desk the shared state
   * @param {Object} playbook see `playbook.js`
   * @param {boolean} isSupervisor only a supervisor makes evidence packs
   * @param {function(Object, string)} acted told the alert as the server now has it, and what was done
   */
  constructor(desk, playbook, isSupervisor, acted) {
    this.#desk = desk;
    this.#acted = acted;
    this.#playbook = playbook;
    this.#steps = new Steps(playbook);
    this.#evidence = new Evidence(isSupervisor, () => desk.chosen);
    this.#parts = build(this.#steps.roots, this.#evidence.root);
    byId("detail").replaceChildren(...this.#parts.roots);
    this.#parts.acknowledge.addEventListener("click", () => this.acknowledge());
    this.#parts.resolve.addEventListener("click", () => this.openForm());
    this.#parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#resolve();
    });
    this.#parts.cancel.addEventListener("click", () => this.closeForm());
  }

  /** Forget the former alert's form and log before another is shown. */
  reset() {
    this.#full = null;
    this.closeForm();
    this.#parts.form.reset();
    this.#evidence.reset();
    say(this.#parts.problem, "");
    byId("detail").scrollTop = 0;
  }

  /** Read the chosen alert's log and messages from the server. */
  async load() {
    const id = this.#desk.chosenId;
    if (id === null) return;
    let full;
    try {
      full = await ask("GET", `/api/alerts/${id}`);
    } catch (error) {
      if (id === this.#desk.chosenId) say(this.#parts.problem, error.message);
      return;
    }
    if (id !== this.#desk.chosenId) return; // another was chosen meanwhile
    this.#full = full;
    const told = full.entries.filter((entry) => entry.event);
    if (told.length) this.#desk.lastEvents.set(id, told.at(-1).event);
    this.show();
  }

  show() {
    const alert = this.#desk.chosen;
    const parts = this.#parts;
    parts.body.hidden = alert === null;
    parts.hint.hidden = alert !== null;
    byId("detail").className = alert ? `severity-${alert.severity}` : "";
    if (!alert) {
      say(parts.title, "No alert chosen");
      return;
    }
    const event = this.#desk.lastEvents.get(alert.id);
    say(parts.rank, String(alert.severity));
    say(parts.title, worded(KINDS, alert.kind));
    parts.badges.replaceChildren(...badges(alert, event));
    parts.acknowledge.disabled = alert.state !== "open";
    parts.resolve.disabled = alert.state === "resolved";
    this.tick();
    const { entries, notifications, steps, tasks } = this.#full ?? NOTHING;
    this.#steps.show(steps, tasks);
    parts.log.replaceChildren(...[...entries].reverse().map((entry) => logLine(entry, this.#playbook)));
    parts.sent.replaceChildren(...notifications.map(sentLine));
    parts.nothingSent.hidden = notifications.length > 0;
  }

  /** Refresh the facts and the clocks: they change by themselves. */
  tick() {
    const alert = this.#desk.chosen;
    if (!alert) return;
    fillFacts(this.#parts.facts, alert, this.#desk);
    if (this.#steps.tick()) this.load();
  }

  async acknowledge() {
    const alert = this.#desk.chosen;
    if (!alert || alert.state !== "open") return;
    await this.#act(() => ask("POST", `/api/alerts/${alert.id}/acknowledgement`), "acknowledged");
  }

  openForm() {
    if (!this.#desk.chosen || this.#desk.chosen.state === "resolved") return;
    this.#parts.form.hidden = false;
    this.#parts.reason.focus();
    this.#parts.form.scrollIntoView({ block: "nearest" });
  }

  /** Close the forms; says whether one was open. */
  closeForm() {
    const wasOpen = !this.#parts.form.hidden || this.#evidence.isOpen;
    this.#parts.form.hidden = true;
    this.#evidence.close();
    if (wasOpen) byId("alerts").focus();
    return wasOpen;
  }

  async #resolve() {
    const alert = this.#desk.chosen;
    if (!alert) return;
    const body = { reason: this.#parts.reason.value, note: this.#parts.note.value };
    await this.#act(() => ask("POST", `/api/alerts/${alert.id}/resolution`, body), "resolved");
  }

  async #act(request, done) {
    say(this.#parts.problem, "");
    try {
      this.#acted(await request(), done);
    } catch (error) {
      say(this.#parts.problem, `Not done. ${error.message}`);
    }
  }
}

function build(steps, evidence) {
  const parts = {
    rank: make("span", { class: "rank", "aria-hidden": "true" }),
    title: make("h2", { id: "detail-title" }),
    badges: make("p", { class: "badges" }),
    hint: make("p", { class: "quiet" }, "Choose an alert in the queue."),
    facts: make("dl", {}),
    acknowledge: make("button", { type: "button", class: "primary" }, "Acknowledge ", make("kbd", {}, "A")),
    resolve: make("button", { type: "button" }, "Resolve … ", make("kbd", {}, "R")),
    problem: make("p", { class: "problem", role: "alert" }),
    reason: make("select", { id: "reason", required: true }, make("option", { value: "" }, "Choose a reason")),
    note: make("textarea", { id: "note", rows: "3", maxlength: "2000" }),
    cancel: make("button", { type: "button" }, "Cancel ", make("kbd", {}, "Esc")),
    sent: make("ul", { class: "sent" }),
    nothingSent: make("p", { class: "quiet" }, "Nothing was sent."),
    log: make("ol", { class: "log" }),
  };
  for (const [code, words] of Object.entries(REASONS)) parts.reason.append(make("option", { value: code }, words));
  parts.form = make(
    "form",
    { id: "resolution", hidden: true },
    make("label", { for: "reason" }, "Why it is closed"),
    parts.reason,
    make("label", { for: "note" }, "Note (stays in the control room)"),
    parts.note,
    make("div", { class: "actions" }, make("button", { type: "submit", class: "primary" }, "Resolve"), parts.cancel),
  );
  parts.body = make(
    "div",
    { hidden: true },
    parts.badges,
    make("div", { class: "actions" }, parts.acknowledge, parts.resolve),
    parts.problem,
    parts.form,
    parts.facts,
    ...steps,
    make("h3", {}, "Messages"),
    parts.nothingSent,
    parts.sent,
    make("h3", {}, "Log"),
    parts.log,
    evidence,
  );
  parts.roots = [make("header", {}, parts.rank, parts.title), parts.hint, parts.body, keys()];
  return parts;
}

function keys() {
  const line = make("p", { class: "keys quiet" });
  for (const [key, words] of [["↑ ↓", "move"], ["A", "acknowledge"], ["R", "resolve"], ["C", "calls"], ["Esc", "close form"]]) {
    line.append(make("kbd", {}, key), ` ${words}  `);
  }
  return line;
}

function fillFacts(list, alert, desk) {
  const event = desk.lastEvents.get(alert.id);
  const facts = [
    ["Order", alert.order_reference ?? "None: it is about the monitoring itself"],
    ["Parties", parties(alert) || "None"],
    ["Opened", `${time(alert.opened_at, now())}, ${duration(ageOf(alert.opened_at))} ago`],
    ["Last event", `${time(alert.last_event_at, now())}, ${duration(ageOf(alert.last_event_at))} ago`],
    ["Distance", howFar(desk, alert) ?? "Unknown"],
  ];
  const seen = desk.sightings(alert);
  for (const party of ["wearer", "protected"]) {
    const one = seen.find((sighting) => sighting.party === party);
    if (!one && !alert.order_id) continue;
    const accuracy = typeof one?.accuracy_m === "number" ? `± ${length(one.accuracy_m)}` : "accuracy unknown";
    facts.push([PARTIES[party], one ? `${duration(ageOf(one.fixed_at))} ago, ${accuracy}` : "Position unknown"]);
  }
  if (doubtsOf(event)) facts.push(["Doubt", event.doubts.map((doubt) => worded(DOUBTS, doubt)).join("; ")]);
  if (alert.state === "resolved") {
    facts.push(["Resolved", `${time(alert.resolved_at, now())}: ${worded(REASONS, alert.resolve_reason)}`]);
    if (alert.resolution_note) facts.push(["Note", alert.resolution_note]);
  } else facts.push(["Why here", whyHere(alert)]);
  while (list.children.length > facts.length * 2) list.lastChild.remove();
  while (list.children.length < facts.length * 2) list.append(make("dt"), make("dd"));
  facts.forEach(([name, value], index) => {
    say(list.children[index * 2], name);
    say(list.children[index * 2 + 1], value);
    list.children[index * 2 + 1].className = name === "Doubt" ? "doubts" : "";
  });
}

/** What the chosen alert waits for, with clocks, and the calls that were made for it. */

import { make, say } from "./dom.js";
import { ageOf, now } from "./server.js";
import { ANSWERS, OUTCOMES, RUNS, TASKS, duration, time, worded } from "./words.js";

/** The escalation of a step that is over is written within about a second; then the alert is read anew. */
const READ_AFTER_S = 2;
/** Shapes, because colour never speaks alone. */
const SHAPES = { waiting: "◷", answered: "✓", unanswered: "✕", ended: "–" };

export class Steps {
  #playbook;
  #list = make("ul", { class: "steps", id: "steps" });
  #none = make("p", { class: "quiet" }, "No step waits for an answer.");
  #calls = make("ul", { class: "steps", id: "made-calls" });
  #clocks = [];
  #asked = new Set();
  roots = [make("h3", {}, "Playbook"), this.#none, this.#list, this.#calls];

  constructor(playbook) {
    this.#playbook = playbook;
  }

  /** Draw the runs and calls of an alert as `GET /api/alerts/{id}` tells them. */
  show(runs, tasks) {
    this.#none.hidden = runs.length + tasks.length > 0;
    this.#clocks = [];
    this.#list.replaceChildren(...runs.map((run) => this.#line(run)));
    this.#calls.replaceChildren(...tasks.map(callLine));
    this.#say();
  }

  /** Move the clocks on; says whether a step is over of which the alert's log must tell by now. */
  tick() {
    this.#say();
    const over = this.#clocks.filter(({ run }) => ageOf(run.due_at) > READ_AFTER_S && !this.#asked.has(run.id));
    over.forEach(({ run }) => this.#asked.add(run.id)); // once: each reading is a row of the audit trail
    return over.length > 0;
  }

  #line(run) {
    const clock = make("p", { class: "clock" });
    if (run.state === "waiting") this.#clocks.push({ run, clock });
    else say(clock, ended(run));
    const title = make("p", {}, make("b", {}, this.#playbook.words(run.step)), " ", make("code", {}, run.step));
    return make("li", { class: run.state }, shape(run.state), make("div", {}, title, clock));
  }

  #say() {
    for (const { run, clock } of this.#clocks) {
      const left_s = -ageOf(run.due_at);
      const what = `Waits for ${worded(ANSWERS, run.answer)}`;
      const next = this.#playbook.after(run.step);
      const then = next ? `, then: ${next}` : "";
      const text = left_s > 0 ? `${duration(left_s + 1)} left` : `time was over ${duration(-left_s)} ago`;
      say(clock, `${what}: ${text}${then}`);
    }
  }
}

const shape = (state) => make("span", { class: "shape", "aria-hidden": "true" }, SHAPES[state] ?? "?");

function ended(run) {
  if (!run.ended_at) return worded(RUNS, run.state);
  const after_s = (Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000;
  return `${worded(RUNS, run.state)} at ${time(run.ended_at, now())}, after ${duration(after_s)}`;
}

function callLine(task) {
  const state = task.outcome === null ? "waiting" : { reached: "answered", cancelled: "ended" }[task.outcome] ?? "unanswered";
  const since = `since ${time(task.created_at, now())}`;
  const said = task.outcome === null ? `To be made ${since}` : `${worded(OUTCOMES, task.outcome)} at ${time(task.done_at, now())}`;
  return make(
    "li",
    { class: state },
    shape(state),
    make(
      "div",
      {},
      make("p", {}, make("b", {}, worded(TASKS, task.kind))),
      make("p", { class: "clock" }, said),
      task.note ? make("p", { class: "quiet" }, task.note) : null,
    ),
  );
}

/** The playbook that the house goes by: says in words whom a step tells, or what it gives the room to do. */

import { ask } from "./server.js";
import { TARGETS, TASKS, WAYS, inside, worded } from "./words.js";

export class Playbook {
  #steps = {};
  #drill = [];

  /** Read it from the server; throws Problem, and what was read before stays. */
  async read() {
    const { steps, kinds } = await ask("GET", "/api/playbook");
    this.#steps = steps;
    this.#drill = kinds.drill ?? [];
  }

  /** Return what a step does; one of a playbook that is no longer in use has its name only. */
  words(name) {
    const step = Object.hasOwn(this.#steps, name) ? this.#steps[name] : null;
    if (step?.task) return worded(TASKS, step.task);
    if (!step?.target) return name;
    if (step.target === "operator") return "Have somebody here take the alert";
    const ways = step.channels.map((channel) => worded(WAYS, channel)).join(", ");
    return `Tell ${worded(TARGETS, step.target)}${ways ? ` by ${ways}` : ""}`;
  }

  /** Return what comes when nobody answers a step, as part of a sentence; empty when nothing does. */
  after(name) {
    const step = Object.hasOwn(this.#steps, name) ? this.#steps[name] : null;
    return this.list(step?.otherwise ?? []);
  }

  /** Return several steps as part of a sentence. */
  list(names) {
    return names.map((name) => inside(this.words(name))).join("; ");
  }

  /** Return what a test run sends, step by step. */
  drillSteps() {
    return this.#drill.map((name) => this.words(name));
  }
}

/** Shows whether the monitoring itself can be trusted: a row of signs, and a red bar for each trouble. */

import { byId, make, say } from "./dom.js";
import { ask, now } from "./server.js";
import { duration, time } from "./words.js";

const EVERY_MS = 5000;

const PROCESSES = {
  worker: ["Judging", "Monitoring is blind: positions are not being judged."],
  watchdog: ["Silence watch", "Silent devices are not being noticed."],
  dispatcher: ["Messages out", "Messages to police and protected people are not going out."],
};

export class Health {
  #streamLost_at = null;
  #answered = false;
  #unanswered_at = null;
  #report = null;
  #timer = null;

  start() {
    this.#streamLost_at = now();
    this.#look();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  streamOpened() {
    this.#streamLost_at = null;
    this.show();
  }

  streamLost() {
    this.#streamLost_at ??= now();
    this.#look();
    this.show();
  }

  async #look() {
    try {
      this.#report = await ask("GET", "/api/health");
      this.#answered = true;
      this.#unanswered_at = null;
    } catch {
      this.#unanswered_at ??= now();
    }
    this.show();
  }

  /** Draw signs and bars; called each second as well, since an age is part of them. */
  show() {
    const signs = [["Stream", this.#streamLost_at === null, this.#streamLost_at === null ? "live" : "lost"]];
    const troubles = [];
    if (this.#streamLost_at !== null) {
      troubles.push(`Connection lost since ${time(this.#streamLost_at, now())}. What you see may be out of date. Trying again.`);
    }
    if (this.#unanswered_at !== null) {
      troubles.push("The state of the monitoring is unknown: the server does not tell it.");
    }
    for (const [name, [word, trouble]] of Object.entries(PROCESSES)) {
      if (!this.#answered) {
        signs.push([word, false, "unknown"]);
        continue;
      }
      const state = this.#report.processes[name];
      const age_s = state?.heartbeat_age_s ?? null;
      const known = this.#unanswered_at === null;
      const well = known && state?.ok === true;
      const heard = age_s === null ? "never heard" : `${duration(age_s)} ago`;
      signs.push([word, well, known ? heard : "unknown"]);
      if (known && !well) troubles.push(`${trouble} Last sign of life: ${age_s === null ? "none" : heard}.`);
    }
    if (this.#answered) say(byId("counts"), counts(this.#report));
    this.#draw(signs, troubles);
  }

  #draw(signs, troubles) {
    const list = byId("signs");
    while (list.children.length > signs.length) list.lastChild.remove();
    while (list.children.length < signs.length) list.append(make("li", {}, make("span"), make("b"), make("span")));
    signs.forEach(([word, well, text], index) => {
      const item = list.children[index];
      item.className = well ? "well" : "ill";
      const [shape, name, state] = item.children;
      say(shape, well ? "●" : "✕");
      say(name, word);
      say(state, text);
    });
    const bars = byId("troubles");
    const wanted = troubles.join("\n");
    if (bars.dataset.shown !== wanted) {
      bars.dataset.shown = wanted;
      bars.replaceChildren(...troubles.map((text) => make("p", {}, make("b", {}, "✕ "), text)));
    }
    document.body.classList.toggle("blind", troubles.length > 0);
  }
}

function counts({ fixes_stored, rejected, pending_notifications }) {
  const sum = (table) => Object.values(table).reduce((total, count) => total + count, 0);
  const positions = new Intl.NumberFormat("en").format(fixes_stored);
  return `${positions} positions stored · ${sum(rejected)} messages kept aside · ${sum(pending_notifications)} waiting to be sent`;
}

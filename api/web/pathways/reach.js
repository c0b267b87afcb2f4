/** How she may be reached: above everything, and read before anybody tries. */

import { ask } from "/console/server.js";
import { byId, make } from "/console/dom.js";
import { CHANNELS, OUTCOMES, moment } from "./words.js";

export class Reach {
  #acted;
  #attempt = null;

  /** @param {function(function(): Promise)} acted runs what the user asked for, and reads everything again */
  constructor(acted) {
    this.#acted = acted;
  }

  /** Read it from the server, which writes down that it was read. */
  async load(id) {
    try {
      this.#show(id, await ask("GET", `/api/pathways/${id}/safe-contact?reason=contact`));
    } catch (error) {
      if (error.status !== 404) throw error;
      this.#show(id, null);
    }
  }

  /** Forget a try that was begun for another pathway. */
  reset() {
    this.#attempt = null;
  }

  #show(id, safe) {
    const box = byId("reach");
    const stopped = Boolean(safe?.not_safe_since);
    box.className = stopped ? "stopped" : "";
    const title = make("h2", { id: "reach-title" }, "How she may be reached: read this first");
    if (!safe) {
      box.replaceChildren(title, make("p", {}, "Nothing has been agreed with her yet: do not contact her before step 2."));
      return;
    }
    box.replaceChildren(title, ...(stopped ? [this.#stop(id, safe)] : []), facts(safe), this.#actions(id, safe, stopped));
  }

  #stop(id, safe) {
    const reason = make("input", { "aria-label": "How is it known that she can be spoken to again?", maxlength: "500" });
    const clear = make("button", { type: "button" }, "Clear her sign");
    clear.addEventListener("click", () =>
      this.#acted(() => ask("POST", `/api/pathways/${id}/safe-contact/clearing`, { reason: reason.value })),
    );
    return make(
      "div",
      { role: "alert" },
      make("p", { class: "problem" }, `Do not contact her: she gave her sign on ${moment(safe.not_safe_since)}.`),
      make("div", { class: "actions" }, reason, clear),
    );
  }

  #actions(id, safe, stopped) {
    const sign = make("button", { type: "button" }, "She gave her sign: stop");
    sign.addEventListener("click", () => this.#acted(() => ask("POST", `/api/pathways/${id}/safe-contact/sign`)));
    if (stopped) return make("div", { class: "actions" });
    if (this.#attempt) return make("div", { class: "actions" }, ...this.#outcomes(id));
    const way = make("select", { "aria-label": "By which way" }, ...safe.channels.map((one) => make("option", { value: one }, CHANNELS[one])));
    const start = make("button", { type: "button", class: "primary" }, "Speak with her now");
    start.addEventListener("click", () =>
      this.#acted(async () => {
        this.#attempt = await ask("POST", `/api/pathways/${id}/contact-attempts`, { channel: way.value });
      }),
    );
    return make("div", { class: "actions" }, way, start, sign);
  }

  #outcomes(id) {
    return Object.entries(OUTCOMES).map(([outcome, words]) => {
      const button = make("button", { type: "button" }, words);
      button.addEventListener("click", () =>
        this.#acted(async () => {
          await ask("POST", `/api/pathways/${id}/contact-attempts/${this.#attempt.id}/outcome`, { outcome });
          this.#attempt = null;
        }),
      );
      return button;
    });
  }
}

function facts(safe) {
  const hours = safe.hours.map((one) => `${one.days.join(", ")} ${one.from}–${one.until}`).join("; ");
  const pairs = [
    ["By", safe.channels.map((one) => CHANNELS[one]).join(", ")],
    ["When", `${hours} (${safe.time_zone})`],
    ["In her words", safe.words],
    ["Code word", safe.code_word],
    ["Her sign that it cannot be", safe.sign],
  ];
  return make("dl", {}, ...pairs.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, words)]));
}

/** Alerts that were resolved of late: to read them again, and to make evidence packs of them. */

import { byId, make, say } from "./dom.js";
import { Panel } from "./panel.js";
import { parties } from "./queue.js";
import { Problem, ask, now } from "./server.js";
import { KINDS, REASONS, time, worded } from "./words.js";

const MOST_SHOWN = 100;

export class Closed {
  #look;
  #panel;

  /** @param {function(Object)} look called with the alert to show */
  constructor(look) {
    this.#look = look;
    this.#panel = new Panel("closed", () => this.#read(), () => byId("closed-list").replaceChildren());
  }

  /** Close the list; says whether it was open. */
  back() {
    return this.#panel.close();
  }

  async #read() {
    say(byId("closed-problem"), "");
    say(byId("closed-more"), "Reading …");
    try {
      const alerts = await ask("GET", "/api/alerts?state=resolved");
      alerts.sort((a, b) => Date.parse(b.resolved_at) - Date.parse(a.resolved_at));
      if (!this.#panel.isOpen) return;
      byId("closed-list").replaceChildren(...alerts.slice(0, MOST_SHOWN).map((alert) => this.#line(alert)));
      const rest = alerts.length - MOST_SHOWN;
      say(byId("closed-more"), rest > 0 ? `The latest ${MOST_SHOWN} are shown.` : alerts.length ? "" : "No alert was resolved yet.");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(byId("closed-more"), "");
      say(byId("closed-problem"), `Not read. ${error.message}`);
    }
  }

  #line(alert) {
    const about = [alert.order_reference, parties(alert)].filter(Boolean).join(" · ") || "Monitoring itself";
    const button = make("button", { type: "button", class: "what" }, worded(KINDS, alert.kind));
    button.addEventListener("click", () => this.#look(alert));
    const end = `${time(alert.resolved_at, now())}: ${worded(REASONS, alert.resolve_reason)}`;
    const exercise = alert.exercise ? make("span", { class: "badge exercise" }, "Exercise") : null;
    return make("li", {}, make("p", { class: "facts" }, button, exercise, make("span", {}, about), make("span", { class: "quiet" }, end)));
  }
}

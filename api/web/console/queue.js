/** The list of alerts that wait for an answer, the most dangerous first. */

import { byId, make, say } from "./dom.js";
import { ageOf, now } from "./server.js";
import { DOUBTS, KINDS, PARTIES, SEVERITIES, STATES, distance, duration, length, time, worded } from "./words.js";

/** Order by risk: severity, then how long it has waited. */
export const byRisk = (a, b) =>
  a.severity - b.severity || Date.parse(a.opened_at) - Date.parse(b.opened_at) || (a.id < b.id ? -1 : 1);

/** Say whom an alert is about by references, never by name. */
export function parties(alert) {
  const people = (alert.person_references ?? []).join(", ");
  return [alert.wearer_reference, people].filter(Boolean).join(" → ");
}

/** Say why an alert stands where it stands. */
export function whyHere(alert) {
  const rank = worded(SEVERITIES, alert.severity).toLowerCase();
  const going = alert.ongoing ? "still going on" : "not seen now";
  if (alert.state === "open") return `${rank}, ${going}, nobody has answered`;
  return `${rank}, ${going}, taken at ${time(alert.acknowledged_at, now())}`;
}

/** Say the distance that was judged; without one, that between where the parties were last seen; or null. */
export function howFar(desk, alert) {
  const judged = distance(desk.lastEvents.get(alert.id));
  const apart_m = judged === null ? desk.apart_m(alert) : null;
  return apart_m === null ? judged : `about ${length(apart_m)} apart`;
}

/** Say what makes an event doubtful, or null. */
export function doubtsOf(event) {
  if (!event?.doubts?.length) return null;
  return `Doubt: ${event.doubts.map((doubt) => worded(DOUBTS, doubt)).join("; ")}`;
}

/** Return small labelled marks for what an operator must not overlook. */
export function badges(alert, event) {
  const list = [make("span", { class: `badge state-${alert.state}` }, worded(STATES, alert.state))];
  if (alert.exercise) list.push(make("span", { class: "badge exercise" }, "Exercise"));
  if (event?.live === false) list.push(make("span", { class: "badge late" }, "Late data"));
  if (alert.concealed) list.push(make("span", { class: "badge concealed" }, "Concealed zone: tell the wearer nothing"));
  return list;
}

export class Queue {
  #desk;
  #choose;
  #rows = new Map();

  /**
   * @param {Object} desk the shared state, see `desk.js`
   * @param {function(string)} choose called with an alert's id
   */
  constructor(desk, choose) {
    this.#desk = desk;
    this.#choose = choose;
    byId("alerts").addEventListener("click", (event) => {
      const row = event.target.closest("[data-id]");
      if (row) choose(row.dataset.id);
    });
  }

  /** Choose the alert `step` rows below (above when negative) the chosen one. */
  move(step) {
    const order = this.#desk.ranked();
    if (!order.length) return;
    const at = order.findIndex((alert) => alert.id === this.#desk.chosenId);
    const next = at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + step));
    this.#choose(order[next].id);
    this.#rows.get(order[next].id)?.root.scrollIntoView({ block: "nearest" });
  }

  /** Bring the list in line with the desk; rows that stay keep their elements, so focus and scroll stay. */
  show() {
    const list = byId("alerts");
    const order = this.#desk.ranked();
    const wanted = new Set(order.map((alert) => alert.id));
    for (const [id, row] of this.#rows) {
      if (!wanted.has(id)) {
        row.root.remove();
        this.#rows.delete(id);
      }
    }
    order.forEach((alert, index) => {
      if (!this.#rows.has(alert.id)) this.#rows.set(alert.id, newRow(alert.id));
      const row = this.#rows.get(alert.id);
      if (list.children[index] !== row.root) list.insertBefore(row.root, list.children[index] ?? null);
      this.#fill(row, alert);
    });
    const chosen = this.#rows.get(this.#desk.chosenId);
    if (chosen) list.setAttribute("aria-activedescendant", chosen.root.id);
    else list.removeAttribute("aria-activedescendant");
    this.#count(order);
  }

  /** Refresh what changes by the mere passing of time. */
  tick() {
    for (const [id, row] of this.#rows) {
      const alert = this.#desk.alerts.get(id);
      if (alert) this.#age(row, alert);
    }
  }

  #count(order) {
    const open = order.filter((alert) => alert.state === "open").length;
    say(byId("queue-count"), `${open} unanswered, ${order.length - open} taken`);
    const empty = byId("queue-empty");
    empty.hidden = order.length > 0;
    say(empty, this.#desk.loaded ? "No alert waits for an answer." : "Reading the queue …");
  }

  #fill(row, alert) {
    const event = this.#desk.lastEvents.get(alert.id);
    const isChosen = alert.id === this.#desk.chosenId;
    row.root.className = `alert severity-${alert.severity} ${alert.state}${isChosen ? " chosen" : ""}`;
    row.root.setAttribute("aria-selected", String(isChosen));
    say(row.rank, String(alert.severity));
    row.rank.title = worded(SEVERITIES, alert.severity);
    say(row.spoken, `${worded(SEVERITIES, alert.severity)}: `);
    say(row.kind, worded(KINDS, alert.kind));
    say(row.reference, [alert.order_reference, parties(alert)].filter(Boolean).join(" · ") || "Monitoring itself");
    say(row.why, `Why here: ${whyHere(alert)}`);
    const doubts = doubtsOf(event);
    row.doubts.hidden = doubts === null;
    say(row.doubts, doubts ?? "");
    row.badges.replaceChildren(...badges(alert, event));
    this.#age(row, alert);
  }

  #age(row, alert) {
    say(row.waiting, duration(ageOf(alert.opened_at)));
    const ages = this.#desk
      .sightings(alert)
      .map(({ party, fixed_at }) => `${PARTIES[party].toLowerCase()} seen ${duration(ageOf(fixed_at))} ago`);
    const far = howFar(this.#desk, alert);
    row.far.hidden = far === null;
    say(row.far, far ?? "");
    say(row.ages, ages.join(" · ") || "no position");
  }
}

function newRow(id) {
  const row = {
    rank: make("span", { class: "rank", "aria-hidden": "true" }),
    spoken: make("span", { class: "unseen" }),
    kind: make("span", { class: "kind" }),
    waiting: make("span", { class: "waiting", title: "Since it was opened" }),
    reference: make("p", { class: "reference" }),
    far: make("b", { class: "far" }),
    ages: make("span", { class: "ages" }),
    doubts: make("p", { class: "doubts" }),
    why: make("p", { class: "why" }),
    badges: make("p", { class: "badges" }),
  };
  const title = make("p", { class: "title" }, row.spoken, row.kind, row.waiting);
  const facts = make("p", { class: "facts" }, row.far, row.ages);
  const words = make("div", {}, title, row.reference, facts, row.doubts, row.why, row.badges);
  row.root = make("li", { id: `alert-${id}`, role: "option", "data-id": id }, row.rank, words);
  return row;
}

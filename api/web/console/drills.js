/** Test runs: which order is due, starting one, and what each link of its chain came to. */

import { byId, make, say } from "./dom.js";
import { Panel } from "./panel.js";
import { Problem, ageOf, ask, now } from "./server.js";
import { LINKS, LINK_STATES, duration, inside, reason, time, worded } from "./words.js";

const LIVE_EVERY_MS = 3000;
const DUE_EVERY_MS = 600000;
const MOST_SHOWN = 50;
const EARLIER_SHOWN = 10;
const ORDERS_PER_PAGE = 500;
const SHAPES = { ok: "✓", handed_over: "→", waiting: "◷", failed: "✕" };
const WHOLE = { ok: "Every link held", waiting: "Still running", failed: "A link failed" };

export class Drills {
  #playbook;
  #isSupervisor;
  #choose;
  #orders = new Map();
  #due = [];
  #report = null;
  #asking = null; // order id that the confirmation is about
  #live = null;
  #panel;

  /**
   * @param {Object} playbook says what a test run sends, see `playbook.js`
   * @param {boolean} isSupervisor others see reports only
   * @param {function(string): boolean} choose called with an alert's id; says whether it is in the queue
   */
  constructor(playbook, isSupervisor, choose) {
    this.#playbook = playbook;
    this.#isSupervisor = isSupervisor;
    this.#choose = choose;
    this.#panel = new Panel("drills", () => this.#open(), () => this.#left());
    byId("drill-cancel").addEventListener("click", () => this.#confirm(null));
    byId("drill-confirm").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    this.#readDue();
    setInterval(() => this.#readDue(), DUE_EVERY_MS);
  }

  async #open() {
    await this.#try(async () => {
      this.#orders = await readOrders();
      await this.#readDue();
    });
    this.#follow();
  }

  #left() {
    clearTimeout(this.#live);
    this.#confirm(null);
  }

  /** What Escape does: first the confirmation closes, then the panel. */
  back() {
    if (this.#asking === null) return this.#panel.close();
    this.#confirm(null);
    return true;
  }

  async #try(act) {
    say(byId("drills-problem"), "");
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(byId("drills-problem"), `Not done. ${error.message}`);
    }
  }

  async #readDue() {
    try {
      this.#due = await ask("GET", "/api/drills/due");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(byId("drills-open"), "Test runs (unknown)");
      return;
    }
    const late = this.#due.filter(({ due_at }) => ageOf(due_at) >= 0).length;
    say(byId("drills-open"), late ? `Test runs: ${late} due` : "Test runs");
    const isUsed = byId("drills-due").contains(document.activeElement);
    if (this.#panel.isOpen && !isUsed) this.#showDue();
  }

  #showDue() {
    const shown = this.#due.slice(0, MOST_SHOWN);
    byId("drills-due").replaceChildren(...shown.map((due) => this.#dueLine(due)));
    const rest = this.#due.length - shown.length;
    const none = this.#due.length ? "" : "No order is in force.";
    say(byId("drills-more"), rest > 0 ? `${rest} more are due later than these.` : none);
  }

  #named(orderId) {
    return this.#orders.get(orderId)?.reference ?? `order ${orderId.slice(0, 8)}`;
  }

  #dueLine({ order_id, last_at, due_at }) {
    const late_s = ageOf(due_at);
    const never = last_at === null;
    const when = late_s < 0 ? `due in ${duration(-late_s)}` : never ? "✕ never tested" : `✕ overdue by ${duration(late_s)}`;
    const last = never ? null : make("span", { class: "quiet" }, `last ${time(last_at, now())}`);
    const name = this.#named(order_id);
    const reports = make("button", { type: "button", disabled: never, "aria-label": `Report: ${name}` }, "Report");
    reports.addEventListener("click", () => this.#list(order_id));
    const start = make("button", { type: "button", hidden: !this.#isSupervisor, "aria-label": `Start a test run: ${name}` }, "Start …");
    start.addEventListener("click", () => this.#confirm(order_id));
    const facts = make("p", { class: "facts" }, make("b", {}, name), make("span", { class: "due" }, when), last);
    return make("li", { class: late_s >= 0 ? "overdue" : "" }, facts, make("span", { class: "outcomes" }, reports, start));
  }

  #confirm(orderId) {
    const wasAsked = this.#asking !== null;
    this.#asking = orderId;
    byId("drill-confirm").hidden = orderId === null;
    if (orderId === null) {
      if (wasAsked) byId("drills-title").focus();
      return;
    }
    say(byId("drill-question"), `Start a test run of ${this.#named(orderId)}?`);
    const steps = this.#playbook.drillSteps();
    const none = ["The playbook has no step for a test run: nothing is sent."];
    byId("drill-steps").replaceChildren(...(steps.length ? steps : none).map((words) => make("li", {}, words)));
    byId("drill-confirm").scrollIntoView({ block: "nearest" });
    byId("drill-cancel").focus();
  }

  async #start() {
    const orderId = this.#asking;
    if (orderId === null) return;
    this.#confirm(null);
    await this.#try(async () => {
      this.#show(await ask("POST", `/api/orders/${orderId}/drills`));
      byId("drill-title").focus();
      byId("drill-earlier").replaceChildren();
      await this.#readDue();
    });
    this.#follow();
  }

  async #list(orderId) {
    await this.#try(async () => {
      const reports = await ask("GET", `/api/orders/${orderId}/drills`);
      if (!reports.length) return;
      this.#show(reports[0]);
      byId("drill-title").focus();
      byId("drill-earlier").replaceChildren(...reports.slice(1, 1 + EARLIER_SHOWN).map((report) => this.#earlier(report)));
    });
    this.#follow();
  }

  #earlier(report) {
    const button = make("button", { type: "button" }, `${time(report.started_at, now())}: ${inside(WHOLE[report.state] ?? report.state)}`);
    button.addEventListener("click", () => this.#show(report));
    return make("li", {}, button);
  }

  /** Read the report again until no link is waited for. */
  #follow() {
    clearTimeout(this.#live);
    if (!this.#panel.isOpen || !this.#report?.links.some(({ state }) => state === "waiting")) return;
    this.#live = setTimeout(async () => {
      await this.#try(async () => {
        const { id } = this.#report;
        const report = await ask("GET", `/api/drills/${id}`);
        if (this.#report.id === id) this.#show(report);
      });
      this.#follow();
    }, LIVE_EVERY_MS);
  }

  #show(report) {
    this.#report = report;
    byId("drill-report").hidden = false;
    say(byId("drill-title"), `Test run of ${this.#named(report.order_id)}, ${time(report.started_at, now())}`);
    say(byId("drill-state"), `${SHAPES[report.state] ?? "?"} ${WHOLE[report.state] ?? report.state}`);
    byId("drill-state").className = report.state;
    byId("drill-links").replaceChildren(...report.links.map(linkLine));
    byId("drill-alert").onclick = () => {
      if (!this.#choose(report.alert_id)) say(byId("drills-problem"), "Its alert is not in the queue: it is resolved.");
    };
  }
}

function linkLine({ name, state, about, why, at }) {
  const more = [why ? reason(why) : null, at ? time(at, now()) : null, about ? `id ${about.slice(0, 8)}` : null];
  return make(
    "li",
    { class: state },
    make("span", { class: "shape", "aria-hidden": "true" }, SHAPES[state] ?? "?"),
    make(
      "div",
      {},
      make("p", {}, make("b", {}, worded(LINKS, name)), ` ${inside(worded(LINK_STATES, state))}`),
      make("p", { class: "quiet" }, more.filter(Boolean).join(" · ")),
    ),
  );
}

/** Return all orders by id, for their references. */
async function readOrders() {
  const orders = new Map();
  for (let page = 1; ; page += 1) {
    const part = await ask("GET", `/api/orders?page=${page}&page_size=${ORDERS_PER_PAGE}`);
    part.forEach((order) => orders.set(order.id, order));
    if (part.length < ORDERS_PER_PAGE) return orders;
  }
}

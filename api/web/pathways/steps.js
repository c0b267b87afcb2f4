/** The steps of one pathway and what can be done with each. */

import { ask } from "/console/server.js";
import { byId, make } from "/console/dom.js";
import { ACTS, POSSIBLE, REASONS, STATES, moment } from "./words.js";

const HERS = ["refuse", "pause", "resume"];
const REASONED = ["decline", "give_up"];

export class Steps {
  #acted;
  #content;
  #agencies;

  /**
   * @param {function(function(): Promise)} acted runs what the user asked for, and reads everything again
   * @param {Object} content of `/api/pathways/steps`
   * @param {Array} agencies of `/api/agencies`
   */
  constructor(acted, content, agencies) {
    this.#acted = acted;
    this.#content = content;
    this.#agencies = agencies;
  }

  title(number) {
    return this.#content.steps[number].titles.en;
  }

  show(pathway) {
    byId("steps").replaceChildren(...pathway.steps.map((step) => this.#line(pathway, step)));
  }

  #line(pathway, step) {
    const words = this.#content.steps[step.number];
    const owner = this.#agencies.find((one) => one.id === step.agency_id);
    const reason = step.reason ? `: ${REASONS[step.reason].toLowerCase()}` : "";
    const state = `${STATES[step.state]}${reason} · ${owner ? owner.name : "another agency"} · by ${moment(step.due_at)}`;
    return make(
      "li",
      { "data-step": String(step.number) },
      make("b", {}, `${step.number}. ${words.titles.en}`),
      make("span", { class: "quiet" }, state),
      make("div", { class: "actions" }, ...POSSIBLE[step.state].flatMap((act) => this.#button(pathway, step, act, words))),
    );
  }

  #button(pathway, step, act, words) {
    const button = make("button", { type: "button", "data-act": act }, ACTS[act]);
    const choice = this.#choice(act, step, words);
    button.addEventListener("click", () => {
      const body = { act, at_her_word: HERS.includes(act) };
      if (choice) body[act === "offer" ? "agency_id" : "reason"] = choice.value;
      this.#acted(() => ask("POST", `/api/pathways/${pathway.id}/steps/${step.number}/acts`, body));
    });
    return choice ? [choice, button] : [button];
  }

  #choice(act, step, words) {
    if (act === "offer") {
      const able = this.#agencies.filter((one) => !one.retired_at && one.id !== step.agency_id && words.kinds.includes(one.kind));
      const options = able.map((one) => make("option", { value: one.id }, `${one.name}, ${one.region}`));
      return make("select", { "aria-label": `To whom step ${step.number}` }, ...options);
    }
    if (!REASONED.includes(act)) return null;
    const reasons = Object.entries(REASONS).map(([code, said]) => make("option", { value: code }, said));
    return make("select", { "aria-label": `Why step ${step.number}: ${ACTS[act]}` }, ...reasons);
  }
}

/** Has the server make the evidence pack of the chosen alert, and gives it to the browser to keep. */

import { make, say } from "./dom.js";
import { askFile } from "./server.js";

const VARIANTS = {
  full: "Full: for police and prosecution",
  defence: "Defence: without what shows where she is",
};
const MAX_REASON_CHARACTERS = 500;

export class Evidence {
  #alert;
  #open = make("button", { type: "button", id: "evidence-open" }, "Evidence pack …");
  #variant = make("select", { id: "variant", required: true }, make("option", { value: "" }, "Choose a variant"));
  #reason = make("textarea", { id: "evidence-reason", rows: "2", required: true, maxlength: String(MAX_REASON_CHARACTERS) });
  #submit = make("button", { type: "submit", class: "primary" }, "Make the pack");
  #cancel = make("button", { type: "button" }, "Cancel ", make("kbd", {}, "Esc"));
  #problem = make("p", { class: "problem", role: "alert" });
  #status = make("p", { class: "quiet", role: "status" });
  #form = this.#build();
  root;

  /**
   * @param {boolean} isSupervisor to others none of this is shown
   * @param {function(): Object|null} alert gives the chosen alert
   */
  constructor(isSupervisor, alert) {
    this.#alert = alert;
    this.root = make("div", { id: "evidence", hidden: !isSupervisor }, this.#open, this.#status, this.#form);
    this.#open.addEventListener("click", () => this.#show());
    this.#cancel.addEventListener("click", () => {
      this.close();
      this.#open.focus();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#make();
    });
  }

  get isOpen() {
    return !this.#form.hidden;
  }

  close() {
    this.#form.hidden = true;
  }

  /** Forget what was typed for another alert. */
  reset() {
    this.close();
    this.#form.reset();
    say(this.#problem, "");
    say(this.#status, "");
  }

  #build() {
    for (const [code, words] of Object.entries(VARIANTS)) this.#variant.append(make("option", { value: code }, words));
    return make(
      "form",
      { class: "sheet", hidden: true, "aria-label": "Evidence pack" },
      make("label", { for: "variant" }, "For whom"),
      this.#variant,
      make("label", { for: "evidence-reason" }, "Reason (kept in the audit trail)"),
      this.#reason,
      this.#problem,
      make("div", { class: "actions" }, this.#submit, this.#cancel),
    );
  }

  #show() {
    this.#form.hidden = false;
    this.#variant.focus();
    this.#form.scrollIntoView({ block: "nearest" });
  }

  async #make() {
    const alert = this.#alert();
    if (!alert || this.#submit.disabled) return;
    const body = { variant: this.#variant.value, reason: this.#reason.value.trim() };
    say(this.#problem, "");
    say(this.#status, "The pack is being made …");
    this.#submit.disabled = true;
    try {
      const { content, name } = await askFile(`/api/alerts/${alert.id}/evidence`, body);
      keep(content, name ?? `evidence-${body.variant}.zip`);
      if (this.#alert()?.id !== alert.id) return;
      this.reset();
      say(this.#status, `The pack was made: ${name ?? "see the downloads"}.`);
    } catch (error) {
      if (this.#alert()?.id !== alert.id) return;
      say(this.#status, "");
      say(this.#problem, `No pack was made. ${explained(error)}`);
    } finally {
      this.#submit.disabled = false;
    }
  }
}

function explained({ status, message }) {
  if (status === 404) return "There is no such alert any more, or this house makes no packs.";
  if (status === 422) return `Give a variant and a reason of 1 to ${MAX_REASON_CHARACTERS} characters. ${message}`;
  return message;
}

/** Let the browser save a file; its address lives no longer than that. */
function keep(content, name) {
  const address = URL.createObjectURL(content);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

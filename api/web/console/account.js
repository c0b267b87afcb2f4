/** One's own account: second factor, open sessions, password. */

import { byId, make, say } from "./dom.js";
import { enrol } from "./enrol.js";
import { Panel } from "./panel.js";
import { Problem, ask, now } from "./server.js";
import { time } from "./words.js";

const SESSIONS = "/api/session/all";

export class OwnAccount {
  #panel;

  constructor() {
    this.#panel = new Panel("account", () => this.#read(), () => byId("account-content").replaceChildren());
  }

  /** Close it; says whether it was open. */
  back() {
    return this.#panel.close();
  }

  async #try(act, done = "") {
    say(byId("account-problem"), "");
    say(byId("account-done"), "");
    try {
      await act();
      say(byId("account-done"), done);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(byId("account-problem"), `Not done. ${error.message}`);
    }
  }

  #read() {
    return this.#try(async () => {
      const [factor, sessions] = await Promise.all([ask("GET", "/api/session/totp"), ask("GET", SESSIONS)]);
      if (!this.#panel.isOpen) return;
      byId("account-content").replaceChildren(...this.#factor(factor), ...this.#sessions(sessions), ...this.#secret());
    });
  }

  #factor({ is_set_up, recovery_codes_left }) {
    const title = make("h3", {}, "Code for signing in");
    if (is_set_up) {
      const left = recovery_codes_left === 1 ? "1 recovery code is left" : `${recovery_codes_left} recovery codes are left`;
      return [title, make("p", {}, `Set up; ${left}. With a new phone, have a supervisor take the code away and set it up again.`)];
    }
    const button = make("button", { type: "button" }, "Set it up …");
    button.addEventListener("click", () => enrol(byId("account-content"), () => this.#read()));
    return [title, make("p", { class: "problem" }, "Not set up: the password alone opens this account."), button];
  }

  #sessions(sessions) {
    const rows = sessions.map((session) => {
      const used = `since ${time(session.created_at, now())}, last used ${time(session.seen_at, now())}`;
      if (session.is_this) return make("li", {}, make("p", { class: "facts" }, make("b", {}, "This one"), make("span", {}, used)));
      const end = make("button", { type: "button", "aria-label": `End the session ${used}` }, "End");
      end.addEventListener("click", () => this.#try(async () => {
        await ask("DELETE", `${SESSIONS}/${session.id}`);
        await this.#read();
      }));
      return make("li", {}, make("p", { class: "facts" }, make("span", {}, used)), end);
    });
    const all = make("button", { type: "button", disabled: sessions.length < 2 }, "End all others");
    all.addEventListener("click", () => this.#try(async () => {
      await ask("DELETE", SESSIONS);
      await this.#read();
    }));
    return [make("h3", {}, "Where you are signed in"), make("ol", { id: "account-sessions", class: "rows" }, ...rows), all];
  }

  #secret() {
    const field = (id, words, hint, least) => [
      make("label", { for: id }, words),
      make("input", { id, type: "password", autocomplete: hint, required: true, minlength: least, maxlength: "200" }),
    ];
    const form = make(
      "form",
      { class: "sheet" },
      ...field("secret-old", "The one you have", "current-password", "1"),
      ...field("secret-new", "The new one, at least 8 characters", "new-password", "8"),
      make("div", { class: "actions" }, make("button", { type: "submit" }, "Change it")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const body = { secret: byId("secret-old").value, new_secret: byId("secret-new").value };
      form.reset();
      this.#try(() => ask("PUT", "/api/session/secret", body), "Changed. Your other sessions have ended.");
    });
    return [make("h3", {}, "Your password"), form];
  }
}

/** A supervisor's administration: colleagues' accounts, and keys of other programs. */

import { byId, make, say } from "./dom.js";
import { Panel } from "./panel.js";
import { Problem, ask, now } from "./server.js";
import { ROLES, SCOPES, time, worded } from "./words.js";

const ACCOUNTS = "/api/staff-accounts";
const KEYS = "/api/keys";
const PER_PAGE = 500;
const DAY_MS = 86400000;
const KEY_DAYS = 90;

export class Staff {
  #panel;
  #own;

  /**
   * @param {string} own the login of who is signed in; she cannot change her own account
   * @param {boolean} isSupervisor nobody else sees the button
   */
  constructor(own, isSupervisor) {
    this.#own = own;
    byId("staff-open").hidden = !isSupervisor;
    this.#panel = new Panel("staff", () => this.#open(), () => this.#left());
  }

  /** Close it; says whether it was open. */
  back() {
    return this.#panel.close();
  }

  #open() {
    byId("staff-forms").replaceChildren(this.#newAccount(), this.#newKey());
    return this.#read();
  }

  /** What was shown once must not be there for whoever opens the panel next. */
  #left() {
    say(byId("staff-once"), "");
    for (const id of ["staff-forms", "staff-list", "keys-list"]) byId(id).replaceChildren();
  }

  async #try(act) {
    say(byId("staff-problem"), "");
    say(byId("staff-once"), "");
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(byId("staff-problem"), `Not done. ${error.message}`);
    }
  }

  #read() {
    return this.#try(() => this.#show());
  }

  async #show() {
    const page = `?page_size=${PER_PAGE}`;
    const [accounts, keys] = await Promise.all([ask("GET", ACCOUNTS + page), ask("GET", KEYS + page)]);
    if (!this.#panel.isOpen) return;
    byId("staff-list").replaceChildren(...accounts.map((account) => this.#account(account)));
    byId("keys-list").replaceChildren(...keys.map((key) => this.#key(key)));
  }

  /** Do something and show all anew; what it returns is said until the next act. */
  #act(method, path, body, once = () => "") {
    return this.#try(async () => {
      const answer = await ask(method, path, body);
      await this.#show();
      say(byId("staff-once"), once(answer));
    });
  }

  #account(account) {
    const { id, login } = account;
    const path = `${ACCOUNTS}/${id}`;
    const factor = account.has_totp ? "code set up" : "✕ no code yet";
    const more = [factor, account.has_oidc ? "linked to the provider" : null, account.disabled_at ? "✕ closed" : null];
    const facts = make("p", { class: "facts" }, make("b", {}, login), make("span", { class: "quiet" }, more.filter(Boolean).join(" · ")));
    if (login === this.#own) return make("li", {}, facts, make("span", {}, `${worded(ROLES, account.role)} · you`));
    const role = make("select", { "aria-label": `Role of ${login}` }, ...roles(account.role));
    role.addEventListener("change", () => this.#act("PUT", `${path}/role`, { role: role.value }));
    const button = (words, act) => {
      const made = make("button", { type: "button", "aria-label": `${words}: ${login}` }, words);
      made.addEventListener("click", act);
      return made;
    };
    const closing = account.disabled_at
      ? button("Open again", () => this.#act("DELETE", `${path}/disabling`))
      : button("Close", () => this.#act("POST", `${path}/disabling`));
    const code = account.has_totp ? button("Take the code away", () => this.#act("DELETE", `${path}/totp`)) : null;
    const secret = button("New password", () => this.#act("POST", `${path}/secret`, undefined, passwordOf));
    return make("li", { class: account.disabled_at ? "overdue" : "" }, facts, make("span", { class: "outcomes" }, role, code, secret, closing));
  }

  #newAccount() {
    const login = make("input", { id: "staff-login", required: true, maxlength: "100", autocomplete: "off" });
    const role = make("select", { id: "staff-role" }, ...roles("operator"));
    const form = make(
      "form",
      { class: "sheet" },
      make("label", { for: "staff-login" }, "Log-in of a new colleague"),
      login,
      make("label", { for: "staff-role" }, "Role"),
      role,
      make("div", { class: "actions" }, make("button", { type: "submit" }, "Make the account")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const body = { login: login.value, role: role.value };
      form.reset();
      this.#act("POST", ACCOUNTS, body, passwordOf);
    });
    return form;
  }

  #key(key) {
    const ended = key.revoked_at ? "✕ revoked" : Date.parse(key.expires_at) <= now() ? "✕ over" : null;
    const used = key.used_on ? `last used ${key.used_on}` : "never used";
    const what = key.scopes.map((scope) => worded(SCOPES, scope)).join(", ");
    const facts = make(
      "p",
      { class: "facts" },
      make("b", {}, key.name),
      make("span", {}, `${key.prefix}…`),
      make("span", { class: "quiet" }, [what, used, ended ?? `until ${time(key.expires_at, now())}`].join(" · ")),
    );
    if (ended) return make("li", { class: "overdue" }, facts);
    const revoke = make("button", { type: "button", "aria-label": `Revoke: ${key.name}` }, "Revoke");
    revoke.addEventListener("click", () => this.#act("DELETE", `${KEYS}/${key.id}`));
    return make("li", {}, facts, revoke);
  }

  #newKey() {
    const name = make("input", { id: "key-name", required: true, maxlength: "100", autocomplete: "off" });
    const days = make("input", { id: "key-days", type: "number", min: "1", max: "365", value: String(KEY_DAYS), required: true });
    const boxes = Object.entries(SCOPES).map(([scope, words]) => {
      const box = make("input", { type: "checkbox", value: scope, id: `scope-${scope}` });
      return { box, row: make("li", {}, box, make("label", { for: `scope-${scope}` }, words)) };
    });
    const form = make(
      "form",
      { class: "sheet" },
      make("label", { for: "key-name" }, "Whose program a new key is for"),
      name,
      make("ul", { class: "boxes" }, ...boxes.map(({ row }) => row)),
      make("label", { for: "key-days" }, "Days until it ends"),
      days,
      make("div", { class: "actions" }, make("button", { type: "submit" }, "Make the key")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const scopes = boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
      const expires_at = new Date(now() + Number(days.value) * DAY_MS).toISOString();
      this.#act("POST", KEYS, { name: name.value, scopes, expires_at }, ({ text }) => `The key, shown this once: ${text}`);
    });
    return form;
  }
}

const passwordOf = ({ account, secret }) => `The password of ${account.login}, shown this once: ${secret}`;

function roles(chosen) {
  return Object.entries(ROLES).map(([role, words]) => make("option", { value: role, selected: role === chosen }, words));
}

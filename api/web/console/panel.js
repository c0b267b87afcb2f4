/** A sheet that lies over the map, so that calls, queue and detail stay in view; one is open at a time. */

import { byId } from "./dom.js";

let open = null;

export class Panel {
  #name;
  #opened;
  #closed;

  /**
   * @param {string} name of the section's id; with `-open`, `-close` and `-title` those of its buttons and heading
   * @param {Function} opened called when it is open
   * @param {Function} closed called when it is closed
   */
  constructor(name, opened, closed) {
    this.#name = name;
    this.#opened = opened;
    this.#closed = closed;
    byId(`${name}-open`).addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    byId(`${name}-close`).addEventListener("click", () => this.close());
  }

  get isOpen() {
    return open === this;
  }

  open() {
    open?.close();
    open = this;
    this.#set(true);
    byId(`${this.#name}-title`).focus();
    this.#opened();
  }

  /** Close it; says whether it was open. */
  close() {
    if (!this.isOpen) return false;
    open = null;
    this.#set(false);
    this.#closed();
    byId(`${this.#name}-open`).focus();
    return true;
  }

  #set(isOpen) {
    byId(this.#name).hidden = !isOpen;
    byId("place").inert = isOpen; // it lies beneath
    byId(`${this.#name}-open`).setAttribute("aria-expanded", String(isOpen));
  }
}

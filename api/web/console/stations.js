/** Names of police stations that calls are about; each is read once. */

import { Problem, ask } from "./server.js";

export class Stations {
  #names = new Map();

  /** Return a station's name and the end of its number; empty until it is read, or when it cannot be. */
  words(id) {
    if (id === null) return "";
    if (!this.#names.has(id)) {
      this.#names.set(id, "");
      this.#read(id);
    }
    return this.#names.get(id);
  }

  async #read(id) {
    try {
      const { name, phone_end } = await ask("GET", `/api/police-stations/${id}`);
      this.#names.set(id, phone_end ? `${name}, number ending in ${phone_end}` : name);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 404) this.#names.delete(id); // the next look tries again
    }
  }
}

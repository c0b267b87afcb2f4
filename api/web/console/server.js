/** Talks to the server: requests with a time limit, its clock, and the stream of news. */

const ANSWER_WITHIN_MS = 8000;
/** A file is computed while one waits. */
const FILE_WITHIN_MS = 120000;
/** The stream says something at least every 10 s; two and a half times that is silence. */
const SILENCE_MS = 25000;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 5000;

/** The server refused, with its own words; `status` 0 means that it did not answer. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let clockAhead_ms = 0;
let whenDenied = () => {};

/** Have `act` called when any request is answered "sign in first". */
export function onDenied(act) {
  whenDenied = act;
}

/** Return the server's time in ms: ages must not depend on how this computer's clock is set. */
export const now = () => Date.now() + clockAhead_ms;

/** Return seconds since an ISO time, or null. */
export const ageOf = (iso) => (iso ? (now() - Date.parse(iso)) / 1000 : null);

/** Ask the server; give its JSON, or null when there is none. Throws Problem. */
export async function ask(method, path, body = undefined) {
  return jsonOf(await send(method, path, body, ANSWER_WITHIN_MS));
}

/**
 * Have the server make a file.
 * @returns {Promise<{content: Blob, name: string|null}>} `name` as the server calls it. Throws Problem.
 */
export async function askFile(path, body) {
  const response = await send("POST", path, body, FILE_WITHIN_MS);
  const said = /filename="?([\w.-]+)/.exec(response.headers.get("Content-Disposition") ?? "");
  try {
    return { content: await response.blob(), name: said?.[1] ?? null };
  } catch {
    throw new Problem(0, "The file did not arrive whole.");
  }
}

async function send(method, path, body, within_ms) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(within_ms),
    });
  } catch {
    throw new Problem(0, "The server does not answer.");
  }
  takeClock(response.headers.get("Date"));
  if (response.status === 401) whenDenied();
  if (response.ok) return response;
  const answer = await jsonOf(response);
  throw new Problem(response.status, answer?.message ?? `The server answered ${response.status}.`);
}

async function jsonOf(response) {
  try {
    return JSON.parse(await response.text());
  } catch {
    return null; // empty, or not ours: the status tells all there is to know
  }
}

/** The header has whole seconds: half of one is the best guess, and less than that is no difference. */
function takeClock(header) {
  const date = Date.parse(header ?? "");
  if (!Number.isFinite(date)) return;
  const ahead = date + 500 - Date.now();
  clockAhead_ms = Math.abs(ahead) < 1500 ? 0 : ahead;
}

/**
 * Follow `/api/stream` until stopped, resuming after the last message seen.
 *
 * Read with fetch instead of EventSource: that hides the heartbeat comments, so a connection that is dead
 * but not closed would look alive, and it gives up for good when a server that restarts answers an error.
 */
export class Stream {
  #handlers;
  #cursor = null;
  #stopped = false;
  #abort = null;

  /** @param {{open: Function, lost: Function, message: Function}} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  async run() {
    let wait_ms = RETRY_FIRST_MS;
    while (!this.#stopped) {
      try {
        await this.#follow(() => {
          wait_ms = RETRY_FIRST_MS;
        });
      } catch (error) {
        if (error instanceof Problem && error.status === 401) {
          whenDenied();
          return;
        }
      }
      if (this.#stopped) return;
      this.#handlers.lost();
      await new Promise((done) => setTimeout(done, wait_ms * (0.75 + Math.random() / 2)));
      wait_ms = Math.min(wait_ms * 2, RETRY_MOST_MS);
    }
  }

  stop() {
    this.#stopped = true;
    this.#abort?.abort();
  }

  async #follow(onOpen) {
    this.#abort = new AbortController();
    let watch = setTimeout(() => this.#abort.abort(), SILENCE_MS);
    try {
      const path = this.#cursor === null ? "/api/stream" : `/api/stream?after=${encodeURIComponent(this.#cursor)}`;
      const response = await fetch(path, { headers: { Accept: "text/event-stream" }, signal: this.#abort.signal });
      if (response.status === 401) whenDenied();
      if (!response.ok) throw new Problem(response.status, "no stream");
      this.#handlers.open();
      onOpen();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(watch);
        watch = setTimeout(() => this.#abort.abort(), SILENCE_MS);
        const parts = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
        rest = parts.pop();
        parts.forEach((part) => this.#tell(part));
      }
    } finally {
      clearTimeout(watch);
    }
  }

  #tell(part) {
    let name = "message";
    const data = [];
    for (const line of part.split("\n")) {
      const colon = line.indexOf(":");
      if (colon < 1) continue;
      const value = line.slice(colon + 1).replace(/^ /, "");
      const field = line.slice(0, colon);
      if (field === "event") name = value;
      if (field === "data") data.push(value);
      if (field === "id") this.#cursor = value;
    }
    if (!data.length) return;
    const content = JSON.parse(data.join("\n"));
    if (name === "hello") this.#cursor ??= String(content.seq);
    this.#handlers.message(name, content);
  }
}

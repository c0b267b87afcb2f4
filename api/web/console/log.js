/** Lines of an alert's log, and of the messages that it sent. */

import { make } from "./dom.js";
import { doubtsOf } from "./queue.js";
import { now } from "./server.js";
import { CHANNELS, DELIVERIES, ENTRIES, KINDS, OUTCOMES, TASKS, distance, duration, inside, time, worded } from "./words.js";

/** Return one line of the log; `playbook` says what the steps of an escalation do. */
export function logLine(entry, playbook) {
  const what = [worded(ENTRIES, entry.kind), toldBy(entry, playbook)].filter(Boolean).join(": ");
  const more = [];
  if (entry.event) {
    more.push(distance(entry.event), doubtsOf(entry.event), entry.event.live ? null : "late data", entry.event.reason);
  } else if (entry.author_id) {
    more.push(`by ${entry.author_login ?? "staff"}`);
  }
  const detail = more.filter(Boolean).join(" · ");
  return make(
    "li",
    { class: `severity-${entry.severity}` },
    make("time", { datetime: entry.at }, time(entry.at, now())),
    make("div", {}, make("p", {}, what), detail ? make("p", { class: "quiet" }, detail) : null),
  );
}

/** Say what an entry tells beyond its kind; what this page does not know is shown as it is. */
function toldBy({ kind, event, detail }, playbook) {
  if (event) return worded(KINDS, event.kind);
  if (!detail) return null;
  if (kind === "escalated" && detail.step) return escalation(detail, playbook);
  if (kind === "task_done" && detail.task) return `${inside(worded(TASKS, detail.task))}: ${inside(worded(OUTCOMES, detail.outcome))}`;
  return Object.entries(detail).map(([name, value]) => `${name} ${plain(value)}`).join(", ");
}

const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function escalation({ step, why, after_s, next }, playbook) {
  const within = `within ${duration(after_s)}`;
  const what = why === "no_answer" ? `nobody answered “${step}” ${within}` : `“${step}” brought “${inside(worded(OUTCOMES, why))}”`;
  return `${what}: ${playbook.list(next ?? []) || "no step comes after it"}`;
}

export function sentLine(notification) {
  const count = notification.attempts.length;
  const tries = count === 1 ? "1 try" : `${count} tries`;
  return make(
    "li",
    { class: notification.state },
    make("span", {}, worded(CHANNELS, notification.channel)),
    make("b", {}, worded(DELIVERIES, notification.state)),
    make("span", { class: "quiet" }, tries),
  );
}

/** Several kitchen timers at once. Each counts to a moment, so a sleeping page is right when it wakes. */

const QUICK_MINUTES = [1, 3, 5, 10, 15, 30];
const SHOW_EVERY_MS = 250;

const byId = (id) => document.getElementById(id);
const timers = [];

class Timer {
  constructor(label, minutes) {
    this.label = label || "Timer";
    this.left_ms = minutes * 60000;
    this.ends_at = Date.now() + this.left_ms;
    this.isDone = false;
    this.build();
  }

  get isRunning() {
    return this.ends_at !== null;
  }

  build() {
    this.root = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = this.label;
    this.clock = document.createElement("span");
    this.clock.className = "clock";
    this.toggle = button("Stop", () => this.flip());
    this.root.append(name, this.clock, this.toggle, button("Remove", () => this.remove()));
    byId("timers").append(this.root);
  }

  flip() {
    if (this.isDone) return;
    if (this.isRunning) {
      this.left_ms = Math.max(0, this.ends_at - Date.now());
      this.ends_at = null;
    } else {
      this.ends_at = Date.now() + this.left_ms;
    }
    show();
  }

  remove() {
    timers.splice(timers.indexOf(this), 1);
    this.root.remove();
    show();
  }

  show() {
    const left_ms = this.isRunning ? Math.max(0, this.ends_at - Date.now()) : this.left_ms;
    if (left_ms === 0 && !this.isDone) this.finish();
    this.clock.textContent = written(left_ms);
    this.toggle.textContent = this.isRunning ? "Stop" : "Start";
    this.toggle.disabled = this.isDone;
    this.root.className = this.isDone ? "over" : "";
  }

  finish() {
    this.isDone = true;
    this.ends_at = null;
    this.left_ms = 0;
    byId("done").textContent = `${this.label}: time is up.`;
  }
}

/** Return hours, minutes and seconds; the last second that begins is still shown. */
function written(left_ms) {
  const seconds = Math.ceil(left_ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

function button(text, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}

function begin(label, minutes) {
  if (!(minutes > 0 && minutes <= 1440)) return;
  timers.push(new Timer(label, minutes));
  byId("done").textContent = "";
  show();
}

function show() {
  timers.forEach((timer) => timer.show());
  byId("none").hidden = timers.length > 0;
}

for (const minutes of QUICK_MINUTES) {
  byId("quick").append(button(`${minutes} min`, () => begin(byId("label").value.trim(), minutes)));
}
byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(byId("label").value.trim(), byId("minutes").valueAsNumber);
  byId("label").value = "";
});
setInterval(show, SHOW_EVERY_MS);
show();

/** Two short tones for a new alert of severity 1 or 2; silent until the operator switches them on. */

import { byId, say } from "./dom.js";

let context = null;

/** Make the button work; a browser allows sound only after a click, and this is that click. */
export function prepareSound() {
  const button = byId("sound");
  button.addEventListener("click", () => {
    if (context) {
      context.close();
      context = null;
    } else {
      context = new AudioContext();
      ring(3);
    }
    button.setAttribute("aria-pressed", String(context !== null));
    say(button, context ? "Sound on" : "Sound off");
  });
}

/** Sound for an alert of this severity, 1 (highest) .. 5. */
export function ring(severity) {
  if (!context) return;
  const times = severity === 1 ? 3 : 1;
  for (let index = 0; index < times; index += 1) tone(context.currentTime + index * 0.35);
}

function tone(at) {
  const voice = context.createOscillator();
  const volume = context.createGain();
  voice.frequency.setValueAtTime(880, at);
  voice.frequency.setValueAtTime(660, at + 0.12);
  volume.gain.setValueAtTime(0.2, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
  voice.connect(volume).connect(context.destination);
  voice.start(at);
  voice.stop(at + 0.3);
}

/** Setting up a second factor: picture, first code, recovery codes. Used at the door and in one's account. */

import { make, say } from "./dom.js";
import { Problem, ask } from "./server.js";

const ADDRESS = "/api/session/totp";

/**
 * Let somebody set up a second factor in `place`.
 * @param {Element} place everything in it is replaced
 * @param {Function} done called when the recovery codes have been put away
 */
export async function enrol(place, done) {
  const problem = make("p", { class: "problem", role: "alert" });
  place.replaceChildren(make("h2", { tabindex: "-1" }, "Set up the code for signing in"), problem);
  place.firstChild.focus();
  try {
    const given = await ask("POST", ADDRESS);
    place.append(...steps(given), form(place, problem, done));
    place.querySelector("input").focus();
  } catch (error) {
    tell(problem, error);
  }
}

function steps({ secret, picture }) {
  const groups = secret.match(/.{1,4}/g).join(" ");
  return [
    make("p", {}, "From now on a code of an authenticator app is asked for besides the password. Take the picture with the app on your own phone:"),
    make("img", { class: "picture", src: picture, alt: "Picture for an authenticator app; the same in letters stands below." }),
    make("p", { class: "quiet" }, "Or type this into the app:"),
    make("p", { class: "secret" }, groups),
  ];
}

function form(place, problem, done) {
  const code = make("input", { id: "first-code", inputmode: "numeric", autocomplete: "one-time-code", required: true, maxlength: "6", pattern: "[0-9]{6}" });
  const sheet = make("form", {}, make("label", { for: "first-code" }, "The six digits that the app shows"), code, make("button", { type: "submit", class: "primary" }, "Set up"));
  sheet.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(problem, "");
    try {
      const { recovery_codes } = await ask("POST", `${ADDRESS}/confirmation`, { code: code.value });
      showRecoveryCodes(place, recovery_codes, done);
    } catch (error) {
      code.value = "";
      code.focus();
      tell(problem, error);
    }
  });
  return sheet;
}

function showRecoveryCodes(place, codes, done) {
  const put = make("button", { type: "button", class: "primary" }, "I have put them away");
  put.addEventListener("click", done);
  place.replaceChildren(
    make("h2", { tabindex: "-1" }, "For the day when the phone is lost"),
    make("p", {}, "Each of these opens your account once in place of a code. They are shown this once: write them down and keep them where your phone is not."),
    make("ol", { class: "secret codes" }, ...codes.map((code) => make("li", {}, code))),
    put,
  );
  place.firstChild.focus();
}

function tell(problem, error) {
  if (!(error instanceof Problem)) throw error;
  say(problem, error.message);
}

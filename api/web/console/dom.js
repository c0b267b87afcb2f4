/** Builds elements. Strings become text, never markup: names, notes and references are hostile input. */

export const byId = (id) => document.getElementById(id);

/**
 * Return a new element.
 * @param {string} tag
 * @param {Object} attributes `class`, `hidden`, `aria-…`; false and null leave an attribute out
 * @param {...(Node|string|null)} children null is left out
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Show `text` in `element`, touching the page only when it differs: a screen reader hears each touch. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

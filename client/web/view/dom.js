/* dom.js - elements and texts; nothing here ever reads markup */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/* Attributes are strings or booleans; undefined and false are left out; `on` holds listeners.
 * Children are nodes or strings, which become text. */
export function element(tag, { on = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const [event, listener] of Object.entries(on)) {
    made.addEventListener(event, listener);
  }
  made.append(...children.filter((child) => child !== undefined && child !== false));
  return made;
}

/* Lines of 2 units on a field of 24. */
const ICONS = {
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7.500V12l3 2",
  sending: "M12 3a9 9 0 1 0 9 9",
  sent: "M5 12.500l4.500 4.500L19 7.500",
  failed: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7.500v5.500M12 16.500v.010",
  lock: "M6.500 11h11A1.500 1.500 0 0 1 19 12.500v6a1.500 1.500 0 0 1-1.500 1.500h-11A1.500 1.500 0 0 1 5 18.500v-6A1.500 1.500 0 0 1 6.500 11M8 11V8a4 4 0 0 1 8 0v3",
  down: "M12 5v14M6 13l6 6 6-6",
  again: "M19.500 12a7.500 7.500 0 1 1-2.200-5.300L19.500 9M19.500 3.500V9H14",
  send: "M12 19V5M6 11l6-6 6 6",
  close: "M6 6l12 12M18 6L6 18",
  users: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M2.500 20a6.500 6.500 0 0 1 13 0M16 4.300a3.500 3.500 0 0 1 0 6.400M18 14.200a6.500 6.500 0 0 1 3.500 5.800",
  menu: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/* Puts the texts of the page into the elements that name them. */
export function fillTexts(say) {
  const fill = (attribute, put) => document.querySelectorAll(`[${attribute}]`).forEach((at) => put(at, say(at.getAttribute(attribute))));
  fill("data-text", (at, text) => { at.textContent = text; });
  fill("data-label", (at, text) => at.setAttribute("aria-label", text));
  fill("data-placeholder", (at, text) => at.setAttribute("placeholder", text));
}

/* Only if it is another one, so that screen readers hear it once. */
export function setText(at, text) {
  if (at.textContent !== text) {
    at.textContent = text;
  }
}

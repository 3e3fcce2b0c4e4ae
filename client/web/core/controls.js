/* controls.js - characters of a text that would turn it around or end its line unseen: they are shown */

/* What turns the direction of writing or ends a line, and control characters other than tab and line
 * ends: the same as in the terminal client.  Joiners and zero-width spaces have their use in words
 * and emoji. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g;

const nameOf = (char) => `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/* The text in pieces, in order: {text}, or {control}, its name as in "U+202E". */
export function controls(text) {
  const found = [];
  let end = 0;
  for (const { 0: char, index } of text.matchAll(CONTROL)) {
    if (index > end) {
      found.push({ text: text.slice(end, index) });
    }
    found.push({ control: nameOf(char) });
    end = index + 1;
  }
  if (end < text.length) {
    found.push({ text: text.slice(end) });
  }
  return found;
}

/* The same as one text, for whatever shows or says plain text. */
export const visible = (text) => text.replace(CONTROL, nameOf);

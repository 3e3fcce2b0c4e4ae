/* compose.js - what somebody typed: to whom it goes, and the text
 *
 * `@name text` goes to that user alone, also `@name: text`; `@@...` is a text that begins with @. */

export const GROUP = "group";
const NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,31}";
const DIRECT = new RegExp(`^@(${NAME})[:,]?(?:\\s+([\\s\\S]*))?$`);
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export const isName = (name) => new RegExp(`^${NAME}$`).test(name);
/* More than any server takes by default, and still far from what would end the connection. */
export const TEXT_MAX = 60_000;

const NEAR = 400;

/* How many bytes are left for that text, when it is near the limit or over it (below 0); `max`, of
 * UTF-8, is what the server takes. */
export function bytesLeft(text, max) {
  const near = Math.min(NEAR, max / 4);
  if (text.length * 3 < max - near) {
    return undefined;
  }
  const left = max - new TextEncoder().encode(text).length;
  return left <= near ? left : undefined;
}

/* {receiver, text}; `otherwise` is the receiver when the text names none. */
export function parse(typed, otherwise = GROUP) {
  const body = typed.replace(LONE_SURROGATE, "\ufffd").trimEnd();
  const text = body.trimStart();
  if (text.startsWith("@@")) {
    return { receiver: otherwise, text: text.slice(1) };
  }
  const direct = DIRECT.exec(text);
  return direct ? { receiver: direct[1], text: direct[2] ?? "" } : { receiver: otherwise, text: text === "" ? "" : dropBlankLines(body) };
}

/* Typed again, for editing: parse() of it gives the same. */
export function unparse({ receiver, text }) {
  if (receiver !== GROUP) {
    return `@${receiver} ${text}`;
  }
  return text.startsWith("@") ? `@${text}` : text;
}

/* Blank lines before a text are nothing, but blanks before its first word may be meant. */
const dropBlankLines = (text) => text.replace(/^(?:[^\S\n]*\n)+/, "");

/* The name that is being typed at the end of `@na`, for completing it; undefined: none. */
export const startedName = (typed) => /^\s*@([A-Za-z0-9._-]*)$/.exec(typed)?.[1];

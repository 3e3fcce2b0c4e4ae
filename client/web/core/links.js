/* links.js - finds the addresses in a text that may become links: http and https, nothing else; what
 * begins with www. is meant as https */

const CANDIDATE = /(?:\bhttps?:\/\/|(?<![\w@./:-])www\.)[^\s<>"'`\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]+/gi;
const MAX_LINKS = 50; /* in one text */

/* The text in pieces, in order: {text} or {text, href}. */
export function pieces(text) {
  const found = [];
  let end = 0;
  let links = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const shown = trimmed(match[0]);
    const href = links < MAX_LINKS ? address(shown) : undefined;
    if (href !== undefined) {
      push(found, text.slice(end, match.index));
      found.push({ text: shown, href });
      end = match.index + shown.length;
      links++;
    }
  }
  push(found, text.slice(end));
  return found;
}

function push(found, text) {
  if (text !== "") {
    found.push({ text });
  }
}

/* Without what ends the sentence rather than the address. */
function trimmed(url) {
  let end = url.length;
  for (; end > 0; end--) {
    const last = url[end - 1];
    if (!/[.,;:!?*_~|\\)\]}]/.test(last) || isClosing(url, end, last)) {
      break;
    }
  }
  return url.slice(0, end);
}

const OPENER = { ")": "(", "]": "[", "}": "{" };

/* A bracket that was opened within the address belongs to it. */
function isClosing(url, end, last) {
  const opener = OPENER[last];
  return opener !== undefined && count(url, end, opener) >= count(url, end, last);
}

function count(text, end, char) {
  let n = 0;
  for (let i = text.indexOf(char); i >= 0 && i < end; i = text.indexOf(char, i + 1)) {
    n++;
  }
  return n;
}

/* The address as a browser would go to it.  One with a user name in it only serves to deceive. */
function address(text) {
  try {
    const isShort = /^www\./i.test(text);
    const url = new URL(isShort ? `https://${text}` : text);
    const isHost = isShort ? /^www\.[^.]+\.[^.]/.test(url.hostname) : url.hostname !== "";
    const isGood = /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && isHost;
    return isGood ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/* kept.js - what is half written or unsent, as a string that outlives a reload of the page
 *
 * {username, draft: {receiver, text}, unsent: [...]}: `unsent` as the outbox leaves it. */

const MAX = 500_000; /* characters, far below what a browser lets a page keep */

/* undefined: there is nothing to keep.  Of too much, what was written first is kept. */
export function pack({ username, draft, unsent }) {
  const kept = { username, draft, unsent: [] };
  let room = MAX - JSON.stringify(kept).length;
  for (const message of unsent) {
    room -= JSON.stringify(message).length + 1;
    if (room < 0) {
      break;
    }
    kept.unsent.push(message);
  }
  return draft.text === "" && kept.unsent.length === 0 ? undefined : JSON.stringify(kept);
}

/* undefined: there is nothing, or nothing that we have written. */
export function unpack(text) {
  try {
    const kept = JSON.parse(text);
    const isGood = isText(kept.username, kept.draft.receiver, kept.draft.text) && kept.unsent.every(isMessage);
    return isGood ? kept : undefined;
  } catch {
    return undefined;
  }
}

const isText = (...values) => values.every((value) => typeof value === "string");

function isMessage({ clientId, sender, receiver, text, time, reason, after }) {
  return isText(clientId, sender, receiver, text) && Number.isFinite(time) &&
    (reason === undefined || (isText(reason) && Number.isSafeInteger(after)));
}

/* rows.js - how an entry of the timeline looks beside its neighbours */
import { dayOf } from "./dates.js";
import { GROUP } from "./compose.js";

const CLOSE_MS = 5 * 60_000; /* what somebody adds within this time stands under the same name */

/* {newDay, head}: does a day begin with it, does it need the name of who says it? */
export function looks(entry, previous) {
  const newDay = entry.time !== undefined && (previous?.time === undefined ? true : dayOf(entry.time) !== dayOf(previous.time));
  return { newDay, head: newDay || !isContinued(entry, previous) };
}

function isContinued(entry, previous) {
  return previous?.kind === "message" && entry.kind === "message" && previous.sender === entry.sender &&
    previous.receiver === entry.receiver && entry.time - previous.time < CLOSE_MS;
}

export const isPrivate = (entry) => entry.receiver !== GROUP;

export const initial = (name) => (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? "?").toUpperCase();

/* A few emoji and nothing else are shown large. */
export const isJumbo = (text) => text.length <= 40 && /^(?:\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f\u200d]*|\p{Regional_Indicator}{2}|\s){1,12}$/u.test(text) && text.trim() !== "";

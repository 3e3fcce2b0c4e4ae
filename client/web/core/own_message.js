/* own_message.js - the states of a message that we wrote, and what leads from one to the other */

export const WAITING = "waiting"; /* not given to the server yet: offline, or it is not its turn */
export const SENDING = "sending"; /* given to the server, no answer yet */
export const SENT = "sent";
export const FAILED = "failed"; /* red, with a reason */

/* A late answer or echo makes every state SENT; nothing leads away from there. */
const NEXT = {
  [WAITING]: { emit: SENDING, confirm: SENT, fail: FAILED },
  [SENDING]: { confirm: SENT, fail: FAILED, postpone: WAITING },
  [FAILED]: { confirm: SENT, retry: WAITING },
  [SENT]: {},
};

/* Reasons for which the same message would be refused for ever. */
const HOPELESS = new Set(["too_large", "invalid"]);
export const mayRetry = (entry) => entry.state === FAILED && !HOPELESS.has(entry.reason);

export const nextState = (state, event) => NEXT[state][event] ?? state;

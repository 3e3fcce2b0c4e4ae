/* wait.mjs - waiting for conditions, never for time */
import { setTimeout as pause } from "node:timers/promises";

export const WAIT_MS = 15_000;

/* Asks `probe` until it answers something true, and resolves to that. */
export async function until(what, probe, { timeout = WAIT_MS, every = 25 } = {}) {
  const end = performance.now() + timeout;
  for (;;) {
    const answer = await probe();
    if (answer) {
      return answer;
    }
    if (performance.now() > end) {
      throw new Error(`not within ${timeout} ms: ${what}`);
    }
    await pause(every);
  }
}

/* How long this process was late at most, since start(): the slack that a bound measured here must
 * allow for on a busy machine.  With `ask`, which gets an answer from somebody else, he counts too. */
export function lateness(ask = () => {}) {
  const every = 10;
  let worst = 0;
  let begun = performance.now();
  let over = false;
  const note = () => { worst = Math.max(worst, performance.now() - begun - every); };
  const watch = async () => {
    while (!over) {
      begun = performance.now();
      await pause(every, undefined, { ref: false });
      await ask();
      note();
    }
  };
  watch().catch(() => { over = true; }); /* whoever does not answer is not waited for */
  return { stop: () => { over = over || (note(), true); return Math.ceil(worst); } };
}

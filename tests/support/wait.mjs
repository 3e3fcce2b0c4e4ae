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

/* How long this process itself was late at most, since start(): the slack that a bound measured
 * here must allow for on a busy machine. */
export function lateness() {
  const every = 10;
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - every);
    last = now;
  }, every);
  timer.unref();
  return { stop: () => { clearInterval(timer); return Math.ceil(worst); } };
}

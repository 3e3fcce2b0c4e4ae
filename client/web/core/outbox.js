/* outbox.js - our own messages on their way: whose turn it is, how long to wait, what became of it
 *
 * It keeps below the server's rate (20 a second, bursts of 100), gives up after 5 s without an
 * answer, and never loses a message: what is not confirmed is waiting or red. */
import { FAILED, mayRetry, WAITING } from "./own_message.js";

export const ANSWER_MS = 5000;
export const MAX_UNSENT = 500;
const IN_FLIGHT = 8; /* few enough that a refusal for the rate hardly ever lets a later one pass */
const RATE_PER_S = 15;
const BURST = 60;

export class Outbox {
  #timeline;
  #newId;
  #queue = []; /* waiting, in order */
  #flight = new Set();
  #failed = new Set();
  #online = false;
  #tokens = BURST;
  #tokensAt = 0;
  #notBefore = 0;

  constructor({ timeline, newId }) {
    this.#timeline = timeline;
    this.#newId = newId;
  }

  get failed() { return [...this.#failed]; }
  get retriable() { return this.failed.filter(mayRetry); }
  get unsent() { return this.#queue.length + this.#flight.size + this.#failed.size; }
  get isFull() { return this.unsent >= MAX_UNSENT; }

  /* Shows it at once.  The caller has seen that we are not full. */
  write({ sender, receiver, text, time }) {
    const entry = this.#timeline.write({ clientId: this.#newId(), sender, receiver, text, time, state: WAITING });
    this.#queue.push(entry);
    return entry;
  }

  /* The one that was written last and can still be taken back. */
  get lastUnsent() {
    return [...this.#queue, ...this.#failed].reduce((last, e) => (last && last.seq > e.seq ? last : e), undefined);
  }

  /* What is unsent, in order.  What waits has no reason; what is on its way may arrive or not. */
  get left() {
    return [...this.#queue, ...this.#flight, ...this.#failed].sort((a, b) => a.seq - b.seq).map((entry) => this.#leave(entry));
  }
  #leave(entry) {
    const { clientId, sender, receiver, text, time, state, anchor } = entry;
    const message = { clientId, sender, receiver, text, time };
    if (state === WAITING) {
      return message;
    }
    return state === FAILED ? { ...message, reason: entry.reason, after: anchor } : { ...message, reason: "lost", after: this.#timeline.topId };
  }

  /* Has that again, in the same session: what waited waits, what was red is red. */
  resume(left) {
    for (const message of left) {
      if (message.reason === undefined) {
        this.#queue.push(this.#timeline.write({ ...message, after: undefined, state: WAITING }));
      } else {
        this.#failed.add(this.#timeline.write({ ...message, state: FAILED }));
      }
    }
  }

  /* The same in another session of the same user: all red, for that reason. */
  bringBack(left, reason) {
    for (const message of left) {
      this.#fail(this.#timeline.write({ ...message, reason: undefined, after: undefined, state: WAITING }), reason);
    }
  }

  /* Takes one back that is waiting or red: it is not shown any more. */
  takeBack(entry) {
    this.#forget(entry);
    this.#timeline.remove(entry);
  }

  /* ---- The connection ---- */

  goOnline() { this.#online = true; }

  /* What was on its way may have arrived or not. */
  goOffline() {
    this.#online = false;
    for (const entry of [...this.#flight]) {
      this.#fail(entry, "lost");
    }
  }

  clear() {
    this.#queue = [];
    this.#flight.clear();
    this.#failed.clear();
    this.#notBefore = 0;
  }

  /* ---- Sending ---- */

  /* The messages to emit now, in order.  Each has entry.attempt, to be handed back to answer(). */
  takeDue(now) {
    const due = [];
    this.#refill(now);
    while (this.#mayEmit(now)) {
      const entry = this.#queue.shift();
      this.#tokens--;
      entry.attempt = (entry.attempt ?? 0) + 1;
      entry.deadline ??= now + ANSWER_MS;
      this.#flight.add(entry);
      this.#timeline.step(entry, "emit");
      due.push(entry);
    }
    return due;
  }

  #mayEmit(now) {
    return this.#online && this.#queue.length > 0 && this.#flight.size < IN_FLIGHT && this.#tokens >= 1 && now >= this.#notBefore;
  }

  #refill(now) {
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#tokensAt) * RATE_PER_S) / 1000);
    this.#tokensAt = now;
  }

  /* When takeDue() or expire() will have something to do; undefined: not before something happens. */
  nextAt(now) {
    this.#refill(now);
    const times = [...this.#flight].map((entry) => entry.deadline);
    if (this.#online && this.#queue.length > 0 && this.#flight.size < IN_FLIGHT) {
      const token = this.#tokens >= 1 ? now : now + ((1 - this.#tokens) * 1000) / RATE_PER_S;
      times.push(Math.max(token, this.#notBefore));
    }
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /* Those that got no answer in time. */
  expire(now) {
    for (const entry of [...this.#flight].filter((e) => now >= e.deadline)) {
      this.#fail(entry, "no_answer");
    }
  }

  /* ---- What became of it ---- */

  /* The ack of that attempt.  Of an earlier attempt only good news counts; a refusal that comes late
   * says better why it is red. */
  answer(entry, attempt, ack, now) {
    if (ack?.ok === true && Number.isSafeInteger(ack.message_id)) {
      this.#forget(entry);
      this.#timeline.confirm(entry, ack.message_id);
    } else if (this.#flight.has(entry) && entry.attempt === attempt) {
      this.#refused(entry, ack?.error ?? {}, now);
    } else if (this.#failed.has(entry) && entry.attempt === attempt) {
      this.#fail(entry, codeOf(ack));
    }
  }

  #refused(entry, error, now) {
    const again = now + Math.max(50, Number(error.retry_after_ms) || 0);
    if (error.code === "rate_limited" && again < entry.deadline) {
      this.#notBefore = Math.max(this.#notBefore, again);
      this.#flight.delete(entry);
      this.#queue.push(entry);
      this.#timeline.step(entry, "postpone");
      this.#queue.sort((a, b) => a.seq - b.seq);
      return;
    }
    this.#fail(entry, codeOf({ error }));
  }

  /* A message_in of ours has confirmed it. */
  echoed(clientId) {
    const entry = this.#timeline.byClient(clientId);
    if (entry) {
      this.#forget(entry);
    }
  }

  /* Again, with the same client_id, if that may succeed. */
  retry(entry) {
    if (mayRetry(entry)) {
      this.#failed.delete(entry);
      entry.deadline = undefined;
      this.#queue.push(entry);
      this.#timeline.step(entry, "retry");
    }
  }
  retryAll() {
    this.retriable.sort((a, b) => a.seq - b.seq).forEach((entry) => this.retry(entry));
  }

  #fail(entry, code) {
    this.#forget(entry);
    this.#failed.add(entry);
    this.#timeline.step(entry, "fail", code);
  }

  #forget(entry) {
    this.#flight.delete(entry);
    this.#failed.delete(entry);
    this.#queue = this.#queue.filter((e) => e !== entry);
  }
}

const codeOf = (ack) => (typeof ack?.error?.code === "string" ? ack.error.code : "other");

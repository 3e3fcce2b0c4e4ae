/* outbox.test.mjs - our messages on their way: waiting, sent, red; pacing, retry, nothing lost */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_MS, MAX_UNSENT, Outbox } from "../../client/web/core/outbox.js";
import { Timeline } from "../../client/web/core/timeline.js";

function scene() {
  const timeline = new Timeline();
  let n = 0;
  const outbox = new Outbox({ timeline, newId: () => `c${++n}` });
  const write = (text = "hi") => outbox.write({ sender: "Al", receiver: "group", text, time: 0 });
  const emitted = (now) => outbox.takeDue(now).map((entry) => entry.clientId);
  return { timeline, outbox, write, emitted };
}
const ok = (id) => ({ ok: true, message_id: id });
const no = (code, more = {}) => ({ ok: false, error: { code, message: "", ...more } });

test("written while offline it waits; online it goes, in order, and the ack confirms it", () => {
  const { outbox, write, emitted } = scene();
  const [a, b] = [write(), write()];
  assert.deepEqual(emitted(0), []);
  assert.equal(a.state, "waiting");
  outbox.goOnline();
  assert.deepEqual(emitted(10), ["c1", "c2"]);
  assert.equal(a.state, "sending");
  outbox.answer(a, 1, ok(7), 20);
  assert.deepEqual([a.state, a.id, b.state, outbox.unsent], ["sent", 7, "sending", 1]);
});

for (const code of ["no_such_user", "unavailable", "session_expired", "what_is_this"]) {
  test(`${code}: red, with that reason; a retry keeps the client_id`, () => {
    const { outbox, write, emitted } = scene();
    outbox.goOnline();
    const a = write();
    emitted(0);
    outbox.answer(a, 1, no(code), 5);
    assert.deepEqual([a.state, a.reason], ["failed", code]);
    outbox.retry(a);
    assert.deepEqual([a.state, a.reason], ["waiting", undefined]);
    assert.deepEqual(emitted(10), ["c1"]);
    outbox.answer(a, 2, ok(3), 11);
    assert.deepEqual([a.state, outbox.failed.length], ["sent", 0]);
  });
}

for (const code of ["too_large", "invalid"]) {
  test(`${code}: red for good: it is not sent again, alone or with others, and can be taken back`, () => {
    const { timeline, outbox, write, emitted } = scene();
    outbox.goOnline();
    const [a, b] = [write(), write()];
    emitted(0);
    outbox.answer(a, 1, no(code), 5);
    outbox.answer(b, 1, no("no_such_user"), 5);
    assert.deepEqual([a.state, a.reason, outbox.failed.length, outbox.retriable], ["failed", code, 2, [b]]);
    outbox.retry(a);
    outbox.retryAll();
    assert.deepEqual([a.state, emitted(10)], ["failed", ["c2"]]);
    outbox.takeBack(a);
    assert.deepEqual([outbox.failed.length, timeline.length], [0, 1]);
  });
}

test("an answer that is none of the protocol's is an error, too", () => {
  for (const ack of [undefined, null, {}, { ok: true }, { ok: true, message_id: "7" }, { ok: false, error: { code: 7 } }]) {
    const { outbox, write, emitted } = scene();
    outbox.goOnline();
    const a = write();
    emitted(0);
    outbox.answer(a, 1, ack, 5);
    assert.deepEqual([a.state, a.reason], ["failed", "other"]);
  }
});

test("no answer in 5 s: red, not a millisecond before", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const a = write();
  emitted(100);
  outbox.expire(100 + ANSWER_MS - 1);
  assert.equal(a.state, "sending");
  assert.equal(outbox.nextAt(100), 100 + ANSWER_MS);
  outbox.expire(100 + ANSWER_MS);
  assert.deepEqual([a.state, a.reason], ["failed", "no_answer"]);
  assert.equal(outbox.nextAt(9000), undefined);
});

test("a retry has 5 s of its own", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const a = write();
  emitted(0);
  outbox.expire(ANSWER_MS);
  outbox.retry(a);
  emitted(7000);
  outbox.expire(7000 + ANSWER_MS - 1);
  assert.equal(a.state, "sending");
  outbox.expire(7000 + ANSWER_MS);
  assert.equal(a.state, "failed");
});

test("late news: an ack or an echo turns red back, a late refusal only says why", () => {
  const { timeline, outbox, write, emitted } = scene();
  outbox.goOnline();
  const [a, b] = [write(), write()];
  emitted(0);
  outbox.expire(ANSWER_MS);
  assert.deepEqual([a.reason, b.reason], ["no_answer", "no_answer"]);
  outbox.answer(a, 1, no("unavailable"), 6000);
  assert.deepEqual([a.state, a.reason, outbox.failed.length], ["failed", "unavailable", 2]);
  outbox.answer(a, 1, ok(4), 6001);
  timeline.receive({ message_id: 5, sender: "Al", receiver: "group", message_text: "hi", sent_at: 1, client_id: "c2" }, true);
  outbox.echoed("c2");
  assert.deepEqual([a.state, b.state, outbox.failed.length, outbox.unsent], ["sent", "sent", 0, 0]);
  outbox.retry(a);
  assert.deepEqual(emitted(7000), [], "nothing to send again");
});

test("the refusal of a former attempt does not count against the next", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const a = write();
  emitted(0);
  outbox.expire(ANSWER_MS);
  outbox.retry(a);
  emitted(6000);
  outbox.answer(a, 1, no("unavailable"), 6001);
  assert.equal(a.state, "sending");
});

test("the connection is lost: what was on its way is red, what waited goes on waiting", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const a = write();
  emitted(0);
  outbox.goOffline();
  const b = write();
  assert.deepEqual([a.state, a.reason, b.state], ["failed", "lost", "waiting"]);
  outbox.goOnline();
  assert.deepEqual(emitted(10), ["c2"], "red ones wait for somebody to say so");
  outbox.retryAll();
  assert.deepEqual(emitted(20), ["c1"]);
});

test("retry all: in the order in which they were written", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const all = [write(), write(), write()];
  emitted(0);
  outbox.goOffline();
  outbox.goOnline();
  outbox.answer(all[1], 1, ok(2), 5);
  outbox.retryAll();
  assert.deepEqual(emitted(10), ["c1", "c3"]);
});

test("rate_limited: again in silence, after the time that was named, in order", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const [a, b] = [write(), write()];
  emitted(0);
  outbox.answer(b, 1, no("rate_limited", { retry_after_ms: 200 }), 9);
  outbox.answer(a, 1, no("rate_limited", { retry_after_ms: 300 }), 10);
  const c = write();
  assert.deepEqual([a.state, b.state, c.state], ["waiting", "waiting", "waiting"]);
  assert.deepEqual(emitted(309), []);
  assert.equal(outbox.nextAt(11), 310);
  assert.deepEqual(emitted(310), ["c1", "c2", "c3"]);
});

test("rate_limited for longer than the 5 s: red", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const a = write();
  emitted(0);
  for (const [attempt, at] of [[1, 10], [2, 2500]]) {
    outbox.answer(a, attempt, no("rate_limited", { retry_after_ms: 2400 }), at);
    assert.equal(a.state, "waiting");
    assert.deepEqual(emitted(at + 2400), ["c1"]);
  }
  outbox.answer(a, 3, no("rate_limited", { retry_after_ms: 2400 }), 4950);
  assert.deepEqual([a.state, a.reason], ["failed", "rate_limited"]);
});

test("many at once: few on their way, in order, below the server's rate, all arrive", () => {
  const { outbox, write } = scene();
  const all = Array.from({ length: 400 }, () => write());
  outbox.goOnline();
  const times = [];
  let now = 0;
  while (all.some((entry) => entry.state !== "sent")) {
    const due = outbox.takeDue(now);
    assert.ok(due.length <= 8);
    for (const entry of due) {
      times.push({ id: entry.clientId, now });
      outbox.answer(entry, 1, ok(times.length), now);
    }
    now = Math.max(now + 1, Math.ceil(outbox.nextAt(now) ?? now));
    assert.ok(now < 60_000);
  }
  assert.deepEqual(times.map(({ id }) => id), all.map((_, i) => `c${i + 1}`));
  /* The server's bucket: 100, refilled with 20 a second. */
  let tokens = 100;
  times.forEach(({ now: at }, i) => {
    tokens = Math.min(100, tokens + (i > 0 ? (at - times[i - 1].now) * 0.02 : 0)) - 1;
    assert.ok(tokens >= 0, `message ${i} at ${at} ms is too early`);
  });
});

test("the last unsent one can be taken back, red or waiting, but not one on its way", () => {
  const { timeline, outbox, write, emitted } = scene();
  outbox.goOnline();
  assert.equal(outbox.lastUnsent, undefined);
  const a = write("a");
  emitted(0);
  assert.equal(outbox.lastUnsent, undefined);
  outbox.answer(a, 1, no("no_such_user"), 1);
  outbox.goOffline();
  const b = write("b");
  assert.equal(outbox.lastUnsent, b);
  outbox.takeBack(b);
  assert.equal(outbox.lastUnsent, a);
  outbox.takeBack(a);
  assert.deepEqual([outbox.lastUnsent, timeline.length, outbox.unsent], [undefined, 0, 0]);
  outbox.goOnline();
  assert.deepEqual(emitted(10), []);
});

test("it is full at its maximum", () => {
  const { outbox, write } = scene();
  for (let i = 0; i < MAX_UNSENT; i++) {
    assert.equal(outbox.isFull, false);
    write();
  }
  assert.equal(outbox.isFull, true);
});

test("what is unsent when a session ends can be brought into the next one: red, in order, with its client_id", () => {
  const { outbox, write, emitted } = scene();
  outbox.goOnline();
  const red = write("red");
  emitted(0);
  outbox.answer(red, 1, no("no_such_user"), 1);
  outbox.answer(write("sent"), 1, ok(3), 1);
  write("on its way");
  emitted(2);
  outbox.goOffline();
  write("waiting");
  const left = outbox.left;
  const next = scene();
  next.outbox.bringBack(left, "session_expired");
  next.outbox.goOnline();
  assert.deepEqual(next.outbox.failed.map(({ text, state, reason, clientId }) => [text, state, reason, clientId]), [
    ["red", "failed", "session_expired", "c1"], ["on its way", "failed", "session_expired", "c3"], ["waiting", "failed", "session_expired", "c4"],
  ]);
  assert.deepEqual(next.emitted(0), [], "nothing goes out that nobody asked for");
  next.outbox.retryAll();
  assert.deepEqual(next.emitted(0), ["c1", "c3", "c4"]);
});

test("a reload in between: what waited waits and goes out, what was red is red for its reason, each where it stood, with its client_id", () => {
  const { timeline, outbox, write, emitted } = scene();
  outbox.goOnline();
  const said = (id) => ({ message_id: id, sender: "Bo", receiver: "group", message_text: `t${id}`, sent_at: id });
  timeline.receive(said(1), false);
  const red = write("red");
  emitted(0);
  outbox.answer(red, 1, no("no_such_user"), 1);
  timeline.receive(said(2), false);
  write("on its way");
  emitted(2);
  write("waiting");
  const left = JSON.parse(JSON.stringify(outbox.left));
  const next = scene();
  next.outbox.resume(left);
  next.timeline.receive(said(1), false);
  next.timeline.receive(said(2), false);
  next.timeline.note({ note: "earlier" }, { first: true });
  next.timeline.note({ note: "later" });
  assert.deepEqual([...next.timeline].map(({ text, note, state, reason }) => [text ?? note, state, reason]), [
    ["earlier", undefined, undefined], ["t1", "sent", undefined], ["red", "failed", "no_such_user"], ["t2", "sent", undefined],
    ["on its way", "failed", "lost"], ["later", undefined, undefined], ["waiting", "waiting", undefined],
  ]);
  next.outbox.goOnline();
  assert.deepEqual(next.emitted(0), ["c3"]);
  next.timeline.receive({ ...said(3), sender: "Al", message_text: "on its way", client_id: "c2" }, true);
  next.outbox.echoed("c2");
  assert.deepEqual(next.outbox.failed.map(({ clientId }) => clientId), ["c1"], "what has arrived is not red any more");
  next.outbox.retryAll();
  assert.deepEqual(next.emitted(1), ["c1"]);
});

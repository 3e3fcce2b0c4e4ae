/* timeline.test.mjs - order, "never twice", and where a message of ours stands in each state */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline } from "../../client/web/core/timeline.js";

const said = (id, text = `t${id}`, more = {}) => ({ message_id: id, sender: "Bob", receiver: "group", message_text: text, sent_at: 1000 + id, ...more });
const texts = (timeline) => [...timeline].map((entry) => entry.text ?? `(${entry.note})`);
const write = (timeline, clientId, state = "sending") => timeline.write({ clientId, sender: "Al", receiver: "group", text: clientId, time: 5, state });

/* A list that is told of splices alone must come out the same. */
function mirrored(options = {}) {
  const copy = [];
  const timeline = new Timeline({
    ...options,
    watch: { splice: (at, removed, added) => copy.splice(at, removed, ...Array.from({ length: added }, (_, i) => timeline.at(at + i))), change() {} },
  });
  return { timeline, same: () => assert.deepEqual(copy, [...timeline]) };
}

test("messages stand by their id, each once, whatever order they come in", () => {
  const { timeline, same } = mirrored();
  for (const id of [5, 7, 6, 7, 5, 9, 6]) {
    timeline.receive(said(id), false);
    same();
  }
  assert.deepEqual(texts(timeline), ["t5", "t6", "t7", "t9"]);
  assert.equal(timeline.receive(said(9), false), undefined, "nothing new");
  assert.equal(timeline.receive(said(10), false).id, 10);
});

test("an own message stays behind all others until it is confirmed, then stands by its id", () => {
  const { timeline, same } = mirrored();
  timeline.receive(said(1), false);
  const mine = write(timeline, "c1");
  timeline.receive(said(2), false);
  assert.deepEqual(texts(timeline), ["t1", "t2", "c1"]);
  timeline.receive(said(4), false);
  timeline.receive(said(3, "c1", { client_id: "c1" }), true);
  same();
  assert.deepEqual(texts(timeline), ["t1", "t2", "c1", "t4"]);
  assert.deepEqual([mine.state, mine.id, mine.time], ["sent", 3, 1003]);
});

test("ack and echo, in either order and repeated, make one message", () => {
  for (const steps of [["ack", "echo"], ["echo", "ack"], ["ack", "ack", "echo", "echo"]]) {
    const { timeline, same } = mirrored();
    const mine = write(timeline, "c1");
    for (const step of steps) {
      step === "ack" ? timeline.confirm(mine, 3) : timeline.receive(said(3, "c1", { client_id: "c1" }), true);
      same();
    }
    assert.deepEqual(texts(timeline), ["c1"]);
    assert.equal(mine.state, "sent");
  }
});

test("an ack is not taken for a message that was shown: others may still be on their way", () => {
  const timeline = new Timeline();
  assert.equal(timeline.lastId, undefined);
  timeline.receive(said(4), false);
  timeline.confirm(write(timeline, "c1"), 6);
  assert.equal(timeline.lastId, 4);
  timeline.receive(said(5), false);
  assert.deepEqual(texts(timeline), ["t4", "t5", "c1"]);
});

test("a red message stays where it turned red, goes to the end when retried, to its place when confirmed", () => {
  const { timeline, same } = mirrored();
  timeline.receive(said(1), false);
  const [a, b] = [write(timeline, "a"), write(timeline, "b")];
  timeline.step(a, "fail", "lost");
  same();
  assert.deepEqual([a.state, a.reason], ["failed", "lost"]);
  timeline.receive(said(5), false);
  assert.deepEqual(texts(timeline), ["t1", "a", "t5", "b"]);
  timeline.step(a, "retry");
  assert.deepEqual(texts(timeline), ["t1", "t5", "b", "a"], "retried");
  assert.deepEqual([a.state, a.reason], ["waiting", undefined]);
  timeline.step(a, "emit");
  timeline.step(a, "fail", "no_answer");
  timeline.receive(said(3, "a", { client_id: "a" }), true);
  same();
  assert.deepEqual(texts(timeline), ["t1", "a", "t5", "b"], "a late echo");
  assert.deepEqual([a.state, a.reason, b.state], ["sent", undefined, "sending"]);
});

test("nothing leads away from sent, and events that do not fit change nothing", () => {
  const timeline = new Timeline();
  const mine = write(timeline, "c1");
  timeline.confirm(mine, 1);
  for (const event of ["fail", "retry", "emit", "postpone"]) {
    timeline.step(mine, event, "lost");
    assert.deepEqual([mine.state, mine.reason], ["sent", undefined], event);
  }
  const other = write(timeline, "c2", "waiting");
  timeline.step(other, "retry");
  assert.equal(other.state, "waiting");
});

test("the echo of a message that is shown under its id already does not show it a second time", () => {
  const { timeline, same } = mirrored();
  timeline.receive(said(3, "old text"), true);
  const again = write(timeline, "c9");
  timeline.confirm(again, 3);
  same();
  assert.deepEqual(texts(timeline), ["old text"]);
});

test("notes stand behind what was there when they were made", () => {
  const { timeline, same } = mirrored();
  timeline.receive(said(1), false);
  timeline.note({ note: "gap", time: 1 });
  write(timeline, "c1");
  timeline.receive(said(2), false);
  same();
  assert.deepEqual(texts(timeline), ["t1", "(gap)", "t2", "c1"]);
});

test("it keeps at most so many, the newest, and what was dropped does not come again", () => {
  const { timeline, same } = mirrored({ max: 100 });
  const mine = write(timeline, "c1");
  for (let id = 1; id <= 1000; id++) {
    timeline.receive(said(id), false);
    assert.ok(timeline.length <= 100);
  }
  same();
  const kept = [...timeline].filter((e) => e.id).map((e) => e.id);
  assert.ok(kept.length >= 80 && kept.at(-1) === 1000, `${kept.length}`);
  assert.equal(timeline.receive(said(3), false), undefined);
  assert.equal(timeline.at(-1), mine);
});

test("cleared, it knows nothing any more", () => {
  const { timeline, same } = mirrored();
  timeline.receive(said(7), false);
  write(timeline, "c1");
  timeline.clear();
  same();
  assert.deepEqual([timeline.length, timeline.lastId, timeline.byClient("c1")], [0, undefined, undefined]);
  assert.ok(timeline.receive(said(2), false));
});

test("ten thousand random events: in order, each once, and splices that fit", () => {
  const { timeline, same } = mirrored({ max: 300 });
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const mine = [];
  let id = 0;
  for (let i = 0; i < 10_000; i++) {
    const some = mine.length > 0 ? mine[random(mine.length)] : undefined;
    [() => timeline.receive(said(++id), false), () => timeline.receive(said(Math.max(1, id - random(5))), false),
      () => mine.push(write(timeline, `c${i}`, "waiting")), () => some && timeline.step(some, "emit"), () => some && timeline.step(some, "fail", "lost"),
      () => some && timeline.step(some, "retry"), () => some && !some.id && timeline.indexOf(some) >= 0 && timeline.receive(said(++id, "x", { client_id: some.clientId }), true),
      () => some && some.state !== "sent" && timeline.remove(some)][random(8)]();
    if (mine.length > 20) {
      mine.shift();
    }
  }
  same();
  const ids = [...timeline].filter((e) => e.id !== undefined).map((e) => e.id);
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b));
  [...timeline].forEach((entry, i) => assert.equal(timeline.indexOf(entry), i));
});

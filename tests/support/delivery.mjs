/* delivery.mjs - steady traffic, and what must have become of it */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "./wait.mjs";

/* Sends `count` messages, one every `every` ms, without waiting for answers in between.  Resolves to
 * {acked: ids, refused: errors}; a message whose answer never came is in neither. */
export async function stream(peer, receiver, { count, every = 2, text = "steady", alive = () => true }) {
  const acked = [];
  const refused = [];
  const answers = [];
  for (let i = 0; i < count && alive(); i++) {
    answers.push(peer.ask("message_out", { receiver, message_text: `${text} ${i}`, client_id: `${text}-${receiver}-${i}` })
      .then((ack) => (ack.ok ? acked.push(ack.message_id) : refused.push(ack.error)), () => {}));
    await pause(every);
  }
  await Promise.all(answers);
  return { acked, refused };
}

/* Until a message is accepted, whose id this resolves to; every refusal on the way must be "unavailable". */
export async function sayWhenPossible(peer, receiver, text, { timeout } = {}) {
  return until(`${peer.name} can write`, async () => {
    const ack = await peer.ask("message_out", { receiver, message_text: text });
    assert.ok(ack.ok || ack.error.code === "unavailable", JSON.stringify(ack));
    return ack.ok && ack.message_id;
  }, { timeout });
}

/* The first message that is accepted arrives: it may have been accepted while the receiver's gateway
 * was still finding back to Redis. */
export async function flows(from, to, { timeout } = {}) {
  const id = await sayWhenPossible(from, to.name, "after", { timeout });
  await gotAll(to, [id], { timeout });
  return id;
}

/* Both write to each other and to the group, ten times a second each, until the function that this
 * returns is called: it asserts that whatever was accepted came to both, once and in order, and that
 * the rest was refused as "unavailable". */
export function talking(one, two) {
  let over = false;
  const to = [[one, two.name], [two, one.name], [one, "group"]];
  const streams = to.map(([peer, receiver], i) => stream(peer, receiver, {
    count: 100_000, every: 100, text: `talk ${i}`, alive: () => !over && peer.socket.connected,
  }));
  return async (options) => {
    over = true;
    const results = await Promise.all(streams);
    const acked = results.flatMap((r) => r.acked);
    await Promise.all([one, two].map((peer) => gotAll(peer, acked, options)));
    for (const { code } of results.flatMap((r) => r.refused)) {
      assert.equal(code, "unavailable");
    }
    return acked.length;
  };
}

/* Every id of `wanted` came to that peer, and whatever came did so once and in ascending order. */
export async function gotAll(peer, wanted, { timeout } = {}) {
  const missing = () => {
    const there = new Set(peer.ids());
    return wanted.filter((id) => !there.has(id));
  };
  await until(`${peer.name} has everything`, () => missing().length === 0, { timeout })
    .catch((err) => assert.fail(`${err.message}: ${missing().length} of ${wanted.length} are missing, ${missing().slice(0, 10)}`));
  isAscending(peer);
}

export function isAscending(peer) {
  const ids = peer.ids();
  const wrong = ids.findIndex((id, i) => i > 0 && id <= ids[i - 1]);
  assert.equal(wrong, -1, `${peer.name} got ${ids[wrong]} after ${ids[wrong - 1]}`);
}

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

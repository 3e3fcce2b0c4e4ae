/* longest.test.mjs - the longest text that may be set, in the smallest queue: nobody is locked out */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";

const BYTES = 65_536;
const TEXT = "\u0001".repeat(BYTES); /* six times as long in JSON */

/* What a gateway says to a value that is too small. */
function smallest(name, value) {
  const env = { ...process.env, MESSAGE_MAX_BYTES: `${BYTES}`, [name]: `${value}` };
  const { status, stderr } = spawnSync(path.resolve(process.env.PARLEY_BIN ?? "build/asan", "parley-gateway"), { env, encoding: "utf8", timeout: 10_000 });
  assert.equal(status, 2, stderr);
  return /at least (\d+) with MESSAGE_MAX_BYTES=65536/.exec(stderr)[1];
}

const QUEUE_MAX_BYTES = smallest("QUEUE_MAX_BYTES", 262_144);
const MAX_PAYLOAD = smallest("MAX_PAYLOAD", 65_536);
const stack = useStack({ GRACE_S: "60", MESSAGE_MAX_BYTES: `${BYTES}`, QUEUE_MAX_BYTES, MAX_PAYLOAD });

/* Says it `count` times; resolves to the ids. */
async function sayAll(peer, receiver, count) {
  const ids = [];
  for (let i = 0; i < count; i++) {
    ids.push(await peer.say(receiver, TEXT, { client_id: "\u0002".repeat(63) + i }));
  }
  return ids;
}

const got = (peer) => peer.collect("message_in").filter(({ message_text }) => message_text === TEXT).map(({ message_id }) => message_id);

test("the longest text to the group: everybody gets it, the sender too, and nobody is closed", async (t) => {
  const s = scene(t, stack);
  const peers = [await s.enter("alice", stack.gateway(1)), await s.enter("bob", stack.gateway(1)), await s.enter("carol", stack.gateway(2))];
  const ids = await sayAll(peers[0], "group", 3);
  for (const peer of peers) {
    await peer.waitFor("message_in", (m) => m.message_id === ids.at(-1));
    assert.deepEqual(got(peer), ids);
    assert.equal(peer.collect(":disconnect").length, 0);
  }
});

for (const receiver of ["group", "bob"]) {
  test(`whoever comes back with last_id gets what was missed, all of it as long as can be: to ${receiver}`, async (t) => {
    const s = scene(t, stack);
    const who = await s.user("bob");
    const bob = await s.join(who, stack.gateway(1), { resume: {} });
    const alice = await s.enter("alice", stack.gateway(2));
    const first = await alice.say("group", "before");
    await bob.waitFor("message_in", (m) => m.message_id === first);
    bob.cut();
    const ids = await sayAll(alice, receiver === "bob" ? who.name : receiver, 4);
    const back = await s.join(who, stack.gateway(2), { resume: bob.position() });
    await back.waitFor("user_change_in");
    assert.deepEqual(got(back), ids);
    assert.equal(back.collect("session")[0].recovered, true);
    assert.equal(back.collect(":disconnect").length, 0);
  });
}

stack.lastTest();

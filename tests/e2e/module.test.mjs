/* module.test.mjs - messages with parley.so in Redis, without it, and when it goes while people talk */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { scene } from "../support/client.mjs";
import { flows, stream, talking } from "../support/delivery.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const SETTINGS = { RATE_MESSAGES: "1000:1000" };
const COUNT = 200;

async function pair(t, stack) {
  const s = scene(t, stack);
  const one = await s.enter("one", stack.gateway(1));
  const two = await s.enter("two", stack.gateway(2));
  await Promise.all([one.sees(two.name), two.sees(one.name)]);
  return [one, two];
}

/* Calls that the module took, and those that it passed on. */
async function figures(stack) {
  const info = await stack.redis("INFO", "parley");
  return Object.fromEntries([...info.matchAll(/parley_calls_(\w+):(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
}

async function say(one, two) {
  const sent = await stream(one, two.name, { count: COUNT, every: 1 });
  assert.deepEqual([sent.acked.length, sent.refused], [COUNT, []]);
  await until("all have come", () => two.collect("message_in").length >= COUNT);
  assert.deepEqual(two.collect("message_in").map((m) => m.message_id), sent.acked.sort((a, b) => a - b));
}

const says = (stack, text) => until(`gateway-1 says ${text}`,
  async () => (await readFile(stack.process("gateway-1").log, "utf8")).includes(text));

describe("with the module", () => {
  const stack = useStack(SETTINGS);

  test("it takes the messages, and what is an error goes on to the library", async (t) => {
    const [one, two] = await pair(t, stack);
    await says(stack, "redis has the module parley version=");
    const before = await figures(stack);
    await say(one, two);
    const between = await figures(stack);
    assert.ok(between.taken > before.taken + 10, JSON.stringify([before, between]));
    assert.ok(between.passed_on <= before.passed_on + 1, JSON.stringify([before, between]));
    const ack = await one.ask("message_out", { receiver: "nobody", message_text: "x" });
    assert.equal(ack.error?.code, "no_such_user");
    assert.equal((await figures(stack)).passed_on, between.passed_on + 1);
  });

  test("a message that is sent again is not delivered again", async (t) => {
    const [one, two] = await pair(t, stack);
    const message = { receiver: two.name, message_text: "once", client_id: "again" };
    const first = await one.ask("message_out", message);
    const second = await one.ask("message_out", message);
    assert.deepEqual([first.ok, first.dup, second], [true, undefined, { ok: true, message_id: first.message_id, dup: true }]);
    await flows(one, two);
    assert.equal(two.collect("message_in").filter((m) => m.message_text === "once").length, 1);
  });

  test("it is taken away while people talk: they stay, and all goes on without it", async (t) => {
    const [one, two] = await pair(t, stack);
    const over = talking(one, two);
    await flows(one, two);
    assert.equal(await stack.redis("ACL", "SETUSER", "gateway-svc", "-parley.send"), "OK");
    await says(stack, "redis has no module parley");
    await flows(one, two);
    await flows(two, one);
    await over();
    for (const peer of [one, two]) {
      assert.equal(peer.collect(":disconnect").length, 0, `${peer.name} stayed connected`);
    }
  });
});

describe("without it", () => {
  const stack = useStack({ ...SETTINGS, REDIS_MODULE: "0" });

  test("the library takes the messages", async (t) => {
    const [one, two] = await pair(t, stack);
    await says(stack, "redis has no module parley, so messages cost it more why=");
    assert.deepEqual(await figures(stack), {});
    await say(one, two);
  });
});

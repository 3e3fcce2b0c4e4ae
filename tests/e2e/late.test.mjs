/* late.test.mjs - clients that read late: they are told less of the list of users, and never wrong */
import assert from "node:assert/strict";
import { test } from "node:test";
import { busyGroup } from "../support/busy_group.mjs";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const QUEUE = 32 << 20;
const SAID = 16 << 20;
const TEXT = "x".repeat(65_536);
const stack = useStack({
  RATE_MESSAGES: "100000:100000", RATE_LOGINS: "10000:10000", MESSAGE_MAX_BYTES: `${TEXT.length}`, QUEUE_MAX_BYTES: `${QUEUE}`, PING_INTERVAL_MS: "20000", PING_TIMEOUT_MS: "20000", LEASE_MS: "10000",
});

/* A client that stops reading for a while; what is sent to it meanwhile waits for it. */
const tcpOf = (peer) => peer.socket.io.engine.transport.ws._socket;

for (const [label, changes] of [["what it missed", 5], ["the whole list, when it missed more than is remembered", 70]]) {
  test(`a client that reads late is told less of the list, and then ${label}: never wrong`, async (t) => {
    const s = scene(t, stack);
    const speaker = await s.enter("speaker", stack.gateway(1));
    const late = await s.enter("late", stack.gateway(2), { transports: ["websocket"] });
    const prompt = await s.enter("prompt", stack.gateway(2));
    await Promise.all([late, prompt].map((peer) => peer.sees(prompt.name)));
    const mark = [late.mark(), prompt.mark()];
    tcpOf(late).pause();
    const ids = await busyGroup(speaker, [speaker, prompt], TEXT, (sent) => sent * TEXT.length > SAID); /* below what may wait, above what the kernel holds */
    const others = [];
    for (let i = 0; i < changes; i++) {
      others.push(await s.enter("another", stack.gateway(1)));
      await prompt.sees(others.at(-1).name);
    }
    ids.push(...await busyGroup(speaker, [speaker, prompt], TEXT, (sent) => sent > 0));
    tcpOf(late).resume();
    await until("it has caught up", () => [...prompt.users].every((name) => late.users.has(name)) && late.users.size === prompt.users.size);
    assert.equal(late.gaps, 0, "no change that does not go on from the one before");
    assert.deepEqual(late.diary.slice(mark[0]).filter(({ event }) => event === "message_in").map(({ data }) => data.message_id), ids, "messages: all, in order");
    const told = [late, prompt].map((peer, i) => peer.diary.slice(mark[i]).filter(({ event }) => event === "user_change_in").map(({ data }) => data));
    const events = late.diary.slice(mark[0]).map(({ event }) => event).filter((event) => ["message_in", "user_change_in"].includes(event));
    assert.ok(events.lastIndexOf("message_in") < events.indexOf("user_change_in"), "changes did not wait among the messages: they came when it had read them");
    assert.equal(told[0].some(({ users }) => users), changes > 64, "the whole list only if it must be");
    const next = await s.enter("next", stack.gateway(1));
    await Promise.all([late, prompt].map((peer) => peer.sees(next.name)));
    assert.equal(late.gaps, 0);
    assert.equal(late.collect(":disconnect").length, 0);
  });
}

stack.lastTest();

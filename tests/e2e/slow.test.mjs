/* slow.test.mjs - clients that never read: they are closed, and cost the others nothing */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { scene, user } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { busyGroup } from "../support/busy_group.mjs";
import { numbers } from "../support/metrics.mjs";
import { until } from "../support/wait.mjs";

/* The sanitizer shall not keep much of what was freed: it would look like a leak. */
const ASAN_OPTIONS = [process.env.ASAN_OPTIONS, "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"].filter(Boolean).join(":");
const stack = useStack({
  RATE_MESSAGES: "100000:100000", RATE_LOGINS: "10000:10000", PING_INTERVAL_MS: "10000", PING_TIMEOUT_MS: "10000", GRACE_S: "1", LEASE_MS: "10000", QUEUE_MAX_BYTES: "262144", ASAN_OPTIONS,
});

const SLOW_USERS = 20;
const SLOW_EACH = 10;
const NEVER_READ = fileURLToPath(new URL("../support/never_read.py", import.meta.url));
const RSS_MORE_KB = 8192;
const TEXT = "x".repeat(4096);

async function neverRead(t, port) {
  const people = await Promise.all(Array.from({ length: SLOW_USERS }, (_, i) => user(stack.door, `sleeper${i}`)));
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "/usr/bin/python3", NEVER_READ, `${port}`, `${SLOW_EACH}`], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  t.after(() => child.kill("SIGKILL"));
  child.stdin.write(people.map(({ token }) => `${token}\n`).join("") + "\n");
  const [said] = await Promise.race([once(child.stdout, "data"), ended.then(() => ["it ended"])]);
  assert.match(String(said), /^ready/);
  return { names: people.map(({ name }) => name), stop: async () => { child.stdin.end(); assert.deepEqual(await ended, [0, null]); } };
}

const rssKb = async (name) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${stack.process(name).pid}/status`, "utf8"))[1]);
/* The log has a line for some of them only: what peers can provoke is limited there. */
const closed = async (reason) => (await numbers(stack, "gateway-2")).get(`parley_connections_closed_total{reason="${reason}"}`);

/* Until they are closed, and their users have left; gives the ids of what the others were told meanwhile. */
async function throughSleepers(t, [speaker, ...others]) {
  const goal = await closed("slow client") + SLOW_USERS * SLOW_EACH;
  const sleepers = await neverRead(t, stack.process("gateway-2").port);
  const ids = await busyGroup(speaker, [speaker, ...others], TEXT, async (sent) => {
    assert.ok(sent < 2000, "what waits for one is bounded");
    return await closed("slow client") === goal;
  });
  for (const peer of [speaker, ...others]) {
    await until("the list is right", () => sleepers.names.every((name) => !peer.users.has(name)));
  }
  await sleepers.stop();
  return ids;
}

test(`${SLOW_USERS * SLOW_EACH} clients that never read, in a busy group: all are closed as slow, the others get everything in order, and the memory comes back`, async (t) => {
  const s = scene(t, stack);
  const speaker = await s.enter("speaker", stack.gateway(1));
  const healthy = [speaker, await s.enter("near", stack.gateway(1)), await s.enter("beside", stack.gateway(2)), await s.enter("too", stack.gateway(2))];
  await throughSleepers(t, healthy); /* what grows once has grown: the sanitizer's own, above all */
  const from = healthy.map((peer) => peer.mark());
  const before = await rssKb("gateway-2");
  const ids = await throughSleepers(t, healthy);
  for (const [i, peer] of healthy.entries()) {
    assert.deepEqual(peer.diary.slice(from[i]).filter(({ event }) => event === "message_in").map(({ data }) => data.message_id), ids, "each once, in order");
    assert.equal(peer.collect(":disconnect").length, 0);
    assert.equal(peer.gaps, 0);
  }
  await until("the memory is back", async () => await rssKb("gateway-2") < before + RSS_MORE_KB);
  t.diagnostic(`closed after ${ids.length} messages of ${TEXT.length} bytes`);
});

stack.lastTest();

/* expiry.test.mjs - sessions and connections that run out by themselves, and the limit on logins */
import assert from "node:assert/strict";
import { test } from "node:test";
import { login, logout, refusal, scene } from "../support/client.mjs";
import { enterRaw } from "../support/frames.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const LONGEST_S = 6;
const PENDING_S = 3;
const PING_MS = 500;
const PONG_MS = 1500;
const stack = useStack({
  SESSION_MAX_S: `${LONGEST_S}`, PENDING_S: `${PENDING_S}`, RATE_LOGINS: "5:60", GRACE_S: "1",
  PING_INTERVAL_MS: `${PING_MS}`, PING_TIMEOUT_MS: `${PONG_MS}`,
});

test("a login that nobody uses in time: the name is free, its token has expired", async () => {
  const first = await login(stack.door, "Ann");
  assert.equal(first.json.expires_in, PENDING_S);
  const taken = await login(stack.door, "ann");
  assert.equal(taken.status, 409);
  assert.ok(Number(taken.headers["retry-after"]) <= PENDING_S, `Retry-After ${taken.headers["retry-after"]}`);
  const second = await until("the name is free", async () => {
    const res = await login(stack.door, "ann");
    return res.status === 200 && res;
  }, { every: 400 });
  assert.deepEqual((await refusal(stack.door, { token: first.json.token })).data, { code: "session_expired" });
  await logout(stack.door, "ann", second.json.token);
});

test("a session at its maximum age: session_end on the live socket, closed for good, left once", async (t) => {
  const { user, join, enter } = scene(t, stack);
  const ben = await user("ben");
  const start = performance.now();
  const peer = await join(ben, stack.gateway(1), { reconnection: true });
  await until("ben is two seconds old", () => performance.now() - start > 2000);
  const watcher = await enter("watch", stack.gateway(2)); /* so that this one outlives ben */
  const gone = await peer.waitFor(":disconnect", () => true, { timeout: 1000 * LONGEST_S + 15_000 });
  assert.deepEqual(peer.collect("session_end"), [{ code: "session_expired" }]);
  assert.equal(peer.diary.at(-2).event, "session_end", "the last event, right before the end");
  assert.equal(gone.data, "io server disconnect");
  assert.ok(gone.at - start > 1000 * (LONGEST_S - 1), `not before: ${gone.at - start} ms`);
  assert.equal(peer.socket.active, false, "the client does not come back by itself");
  assert.deepEqual((await refusal(stack.door, { token: ben.token })).data, { code: "session_expired" });
  await watcher.waitFor("user_change_in", (d) => d.left?.includes(ben.name));
  assert.equal(watcher.leaves(ben.name), 1);
});

test("a client that went silent without a word: closed after the heartbeat, left after the grace period", async (t) => {
  const { user, enter } = scene(t, stack);
  const cy = await user("cy");
  const watcher = await enter("watch", stack.gateway(2));
  const raw = await enterRaw(stack.gateway(1), cy.token);
  await watcher.sees(cy.name);
  raw.mute = true;
  const start = performance.now();
  const { at } = await watcher.waitFor("user_change_in", (d) => d.left?.includes(cy.name));
  assert.ok(at - start >= PONG_MS + stack.graceMs, `not before: ${at - start} ms`);
  assert.ok(raw.gone || raw.closed, "its connection was closed");
  assert.ok(!raw.texts.some((text) => text.includes("session_end")), "not because the session had ended");
  assert.equal(watcher.leaves(cy.name), 1);
});

test("too many logins from one address: 429 with Retry-After, and then again", async () => {
  let limited;
  for (let i = 0; i < 1000 && !limited; i++) {
    const res = await login(stack.door, `flood${i}`);
    limited = res.status === 200 ? undefined : res;
  }
  assert.equal(limited?.status, 429, "the limit was met");
  assert.equal(limited.json.error.code, "rate_limited");
  assert.match(limited.headers["retry-after"], /^[1-9][0-9]*$/);
  await until("logins are possible again", async () => (await login(stack.door, "later")).status === 200, { every: 250 });
});

stack.lastTest();

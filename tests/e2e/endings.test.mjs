/* endings.test.mjs - sessions that somebody ends: logout, kick; and how many sockets one may hold */
import assert from "node:assert/strict";
import { test } from "node:test";
import { login, logout, Peer, refusal, scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { lateness, until } from "../support/wait.mjs";

const TABS = 4;
const stack = useStack({ MAX_SOCKETS_PER_USER: `${TABS}` });

/* Tabs of one session on both gateways, which would come back by themselves. */
async function tabsOf(s, someone) {
  return Promise.all([1, 2, 1, 2].map((g) => s.join(someone, stack.gateway(g), { reconnection: true })));
}

/* Every tab: session_end with the code, then DISCONNECT by the server, and nothing after it. */
async function endedBy(tabs, code) {
  const ends = await Promise.all(tabs.map((tab) => tab.waitFor(":disconnect")));
  for (const [i, tab] of tabs.entries()) {
    assert.deepEqual(tab.collect("session_end"), [{ code }]);
    assert.equal(tab.diary.at(-2).event, "session_end", "session_end is the last event");
    assert.equal(ends[i].data, "io server disconnect");
    assert.equal(tab.socket.active, false, "the client stays away by itself");
  }
  return ends;
}

const ENDINGS = [
  /* label, code, how */
  ["logout through the door", "logged_out", async ({ name, token }) =>
    assert.equal((await logout(stack.door, name, token)).status, 200)],
  ["logout over https", "logged_out", async ({ name, token }) =>
    assert.equal((await logout(stack.tlsDoor, name, token)).status, 200)],
  ["kick with redis-cli", "kicked", async ({ name }) =>
    assert.equal(await stack.redis("FCALL", "parley_kick", "1", "{chat}:", name.toUpperCase()), `kicked ${name}`)],
];

for (const [label, code, end] of ENDINGS) {
  test(`${label}: every socket on both gateways closed within a second, with its reason`, async (t) => {
    const s = scene(t, stack);
    const watcher = await s.enter("watcher", stack.gateway(2));
    const someone = await s.user("Kay");
    const tabs = await tabsOf(s, someone);
    await watcher.sees(someone.name);
    const late = lateness();
    const start = performance.now();
    await end(someone);
    const ends = await endedBy(tabs, code);
    const took = Math.max(...ends.map(({ at }) => at)) - start;
    const slack = late.stop();
    t.diagnostic(`${label}: all closed after ${took.toFixed(0)} ms (this process was late by up to ${slack} ms)`);
    assert.ok(took <= 1000 + slack, `${took} ms`);
    await watcher.waitFor("user_change_in", (d) => d.left?.includes(someone.name));
    assert.deepEqual((await refusal(stack.door, { token: someone.token })).data, { code: "session_expired" });
    const again = await login(stack.door, someone.name);
    assert.equal(again.status, 200, "the name is free");
    await logout(stack.door, someone.name, again.json.token);
  });
}

test("a kick of somebody who is not there says so, and of one in grace frees the name", async (t) => {
  const s = scene(t, stack);
  assert.equal(await stack.redis("FCALL", "parley_kick", "1", "{chat}:", "nobody"), "no such user: nobody");
  const someone = await s.user("lou");
  const tab = await s.join(someone, stack.gateway(1));
  tab.cut();
  await until("in grace", async () => (await stack.redis("EXISTS", `{chat}:grace:${someone.name}`)) === "1");
  assert.equal(await stack.redis("FCALL", "parley_kick", "1", "{chat}:", someone.name), `kicked ${someone.name}`);
  assert.deepEqual((await refusal(stack.door, { token: someone.token })).data, { code: "session_expired" });
});

test("logout ends that session only: the next one of the same name is not touched", async (t) => {
  const s = scene(t, stack);
  const first = await s.user("max");
  const old = await s.join(first, stack.gateway(1));
  await logout(stack.door, first.name, first.token);
  const second = (await login(stack.door, first.name)).json;
  const fresh = await s.join({ name: first.name, token: second.token }, stack.gateway(1));
  await old.waitFor(":disconnect");
  const stale = await logout(stack.door, first.name, first.token);
  assert.equal(stale.status, 401, "the old token ends nothing");
  await fresh.say("group", "untouched");
  await logout(stack.door, first.name, second.token);
  await fresh.waitFor("session_end");
});

test("a client that leaves the namespace is gone, without session_end; its session lives on", async (t) => {
  const s = scene(t, stack);
  const someone = await s.user("nia");
  const tab = await s.join(someone, stack.gateway(1));
  tab.close();
  await until("in grace", async () => (await stack.redis("EXISTS", `{chat}:grace:${someone.name}`)) === "1");
  const back = await s.join(someone, stack.gateway(2));
  await back.say("group", "back");
  assert.deepEqual(tab.collect("session_end"), []);
});

test(`more than MAX_SOCKETS_PER_USER (${TABS}) sockets of one session: the next is turned away, the others live`, async (t) => {
  const s = scene(t, stack);
  const someone = await s.user("olu");
  const tabs = [];
  for (let i = 0; i < TABS; i++) {
    tabs.push(await s.join(someone, stack.gateway(1)));
  }
  const extra = s.keep(new Peer(stack.gateway(1), { token: someone.token }));
  const end = await extra.wait((e) => [":refused", ":disconnect", "user_change_in"].includes(e.event), "turned away");
  assert.notEqual(end.event, "user_change_in", "was let in");
  assert.equal(extra.collect("session").length, 0);
  const id = await tabs[0].say("group", "we are still here");
  await Promise.all(tabs.map((tab) => tab.waitFor("message_in", (m) => m.message_id === id)));
  tabs[0].close();
  await until("room for another", async () => {
    const peer = s.keep(new Peer(stack.gateway(1), { token: someone.token }));
    const first = await peer.wait((e) => [":refused", ":disconnect", "session"].includes(e.event), "an answer");
    return first.event === "session";
  });
});

stack.lastTest();

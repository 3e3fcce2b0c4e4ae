/* replicas.test.mjs - two presence-svc tell each leave once; while there is none, nobody leaves */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GATEWAYS: "3", PRESENCE_SVCS: "2", LEASE_MS: "2000" });
const PRESENCE = ["presence-1", "presence-2"];
const all = (items, run) => Promise.all(items.map(run));
const LATE = { timeout: 30_000 };

const watchers = (s) => all([1, 2], (g) => s.enter("watcher", stack.gateway(g)));
const crowd = (s, count, url) => all(Array.from({ length: count }), () => s.enter("guest", url));
const seen = (ws, peers) => all(ws, (w) => all(peers, (p) => w.sees(p.name)));
const left = (ws, peers) => all(ws, (w) => all(peers, (p) => w.waitFor("user_change_in", (d) => d.left?.includes(p.name), LATE)));

/* The countdown of each has ended, as an operator would see it. */
const countedDown = (peers) => until("the grace period of all has passed", async () => {
  const deadlines = await all(peers, (p) => stack.redis("ZSCORE", "{chat}:deadlines", p.name));
  return deadlines.every((d) => d !== "") &&
    (await stack.redis("EXISTS", ...peers.map((p) => `{chat}:grace:${p.name}`))) === "0";
}, LATE);

function nobodyLeft(ws, peers) {
  for (const w of ws) {
    assert.deepEqual(peers.map((p) => p.name).filter((name) => w.leaves(name) > 0), [], "nobody was seen leaving");
  }
}

/* Somebody comes and leaves after all that: what was on its way has come before it. */
async function judge(s, ws, gone, stayed) {
  const control = await s.enter("control", stack.gateway(2));
  await seen(ws, [control]);
  control.cut();
  await left(ws, [control]);
  for (const w of ws) {
    assert.deepEqual(gone.map((p) => [p.name, w.leaves(p.name)]).filter(([, n]) => n !== 1), [], "each left once");
    assert.deepEqual(stayed.map((p) => [p.name, w.joins(p.name), w.leaves(p.name)]).filter(([, j, l]) => j !== 1 || l !== 0), [],
      "whoever is here was never away");
    assert.equal(w.gaps, 0);
    assert.equal(w.collect(":disconnect").length, 0);
  }
  const online = (await stack.redis("SMEMBERS", "{chat}:online")).split("\n");
  assert.deepEqual(gone.filter((p) => online.includes(p.name)), []);
  assert.deepEqual(stayed.filter((p) => !online.includes(p.name)), []);
}

test("presence-svc all stopped while deadlines pass: nobody leaves meanwhile, each once after; who came back never left", async (t) => {
  const s = scene(t, stack);
  const ws = await watchers(s);
  const gone = await crowd(s, 6, stack.gateway(1));
  const inTime = await s.user("intime");
  const tooLate = await s.user("late");
  const old = await all([inTime, tooLate], (someone) => s.join(someone, stack.gateway(3)));
  await seen(ws, [...gone, ...old]);

  t.after(() => all(PRESENCE, (name) => stack.signal(name, "SIGCONT")));
  await all(PRESENCE, (name) => stack.signal(name, "SIGSTOP"));
  [...gone, ...old].forEach((peer) => peer.cut());
  await until("intime in grace", async () => (await stack.redis("EXISTS", `{chat}:grace:${inTime.name}`)) === "1");
  const back = await s.join(inTime, stack.gateway(2));
  await countedDown([...gone, tooLate]);
  const late = await s.join(tooLate, stack.gateway(1)); /* nobody had said that it left */
  nobodyLeft(ws, [...gone, ...old]);
  const newcomer = await s.enter("newcomer", stack.gateway(2));
  assert.deepEqual(gone.filter((p) => !newcomer.users.has(p.name)), [], "and they are on everybody's list");
  await seen(ws, [newcomer]);
  nobodyLeft(ws, [...gone, ...old]);

  await all(PRESENCE, (name) => stack.signal(name, "SIGCONT"));
  await left(ws, gone);
  await judge(s, ws, gone, [back, late]);
  await late.say(back.name, "still here");
});

test("presence-svc all killed while deadlines and a lease pass, then started again: each leave once", async (t) => {
  const s = scene(t, stack);
  const dying = await stack.gatewayId(3);
  const ws = await watchers(s);
  const gone = [...await crowd(s, 5, stack.gateway(1)), ...await crowd(s, 5, stack.gateway(2))];
  const orphans = await crowd(s, 5, stack.gateway(3)); /* their gateway dies too */
  const returning = await s.user("returning");
  const old = await s.join(returning, stack.gateway(3));
  await seen(ws, [...gone, ...orphans, old]);

  await all(PRESENCE, (name) => stack.signal(name, "SIGKILL"));
  gone.forEach((peer) => peer.cut());
  await stack.signal("gateway-3", "SIGKILL");
  await until("its lease has passed", async () => (await stack.redis("EXISTS", `{chat}:gateway:${dying}`)) === "0");
  const back = await s.join(returning, stack.gateway(2));
  await countedDown(gone);
  nobodyLeft(ws, [...gone, ...orphans, back]);
  assert.notEqual(await stack.redis("ZSCORE", "{chat}:gateways", dying), "", "nobody has swept the dead gateway away");

  await all([...PRESENCE, "gateway-3"], (name) => stack.startAgain(name));
  await left(ws, [...gone, ...orphans]);
  await judge(s, ws, [...gone, ...orphans], [back]);
  assert.equal(await stack.redis("ZSCORE", "{chat}:gateways", dying), "");
});

test("30 people leave at once, by cuts and by the death of their gateway: two presence-svc tell each once", async (t) => {
  const s = scene(t, stack);
  const ws = await watchers(s);
  const cut = [...await crowd(s, 8, stack.gateway(1)), ...await crowd(s, 7, stack.gateway(2))];
  const orphans = await crowd(s, 15, stack.gateway(3));
  const stays = await crowd(s, 3, stack.gateway(2));
  await seen(ws, [...cut, ...orphans, ...stays]);
  assert.deepEqual(await all(PRESENCE, (name) => stack.isReady(name)), [true, true]);
  await stack.signal("gateway-3", "SIGKILL");
  cut.forEach((peer) => peer.cut());
  await all(orphans, (peer) => peer.waitFor(":disconnect"));
  await left(ws, [...cut, ...orphans]);
  await judge(s, ws, [...cut, ...orphans], stays);
});

stack.lastTest();

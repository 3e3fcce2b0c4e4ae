/* gateway_death.test.mjs - kill -9 of a gateway: who comes back was never away, the others leave once */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* Three gateways: one dies, and the door still has a choice. */
const stack = useStack({ GATEWAYS: "3", PRESENCE_SVCS: "2", GRACE_S: "4", LEASE_MS: "2000" });

test("kill -9 of a gateway: returning users are never seen leaving, the others leave after lease and grace, once", async (t) => {
  const s = scene(t, stack);
  const dying = await stack.gatewayId(1);
  const watchers = await Promise.all([2, 3].map((g) => s.enter("watcher", stack.gateway(g))));

  /* Through the door, and back through it: as many as it takes until some sit on the dying one. */
  const returning = [];
  await until("three returning users on the gateway", async () => {
    const peer = await s.enter("returns", stack.door, { reconnection: true });
    const [id] = await stack.servedBy(peer.name);
    if (id === dying) {
      returning.push(peer);
    }
    return returning.length === 3;
  });
  /* A tab elsewhere: needs not return at all. */
  const twoTabs = await s.user("twotabs");
  const tabs = [await s.join(twoTabs, stack.gateway(1)), await s.join(twoTabs, stack.gateway(3))];
  /* And three who stay away. */
  const gone = await Promise.all([1, 2, 3].map(() => s.enter("stays-away", stack.gateway(1))));
  const everybody = [...returning.map((p) => p.name), ...gone.map((p) => p.name), twoTabs.name];
  await Promise.all(watchers.flatMap((w) => everybody.map((name) => w.sees(name))));

  const killedAt = performance.now();
  await stack.signal("gateway-1", "SIGKILL");
  await Promise.all(returning.map(async (peer) => {
    await peer.waitFor(":disconnect");
    await peer.waitFor("user_change_in", (d) => d.users, { from: peer.diary.findIndex((e) => e.event === ":disconnect") });
  }));
  await tabs[0].waitFor(":disconnect");

  for (const w of watchers) {
    for (const { name } of gone) {
      const { at } = await w.waitFor("user_change_in", (d) => d.left?.includes(name), { timeout: 30_000 });
      assert.ok(at - killedAt >= stack.graceMs, `${name} not before the grace period: ${at - killedAt} ms`);
    }
  }
  assert.equal(await stack.redis("ZSCORE", "{chat}:gateways", dying), "", "the dead gateway is off the list");

  /* Later comings and goings have been seen: nothing more was on its way. */
  const control = await s.enter("control", stack.gateway(2));
  await Promise.all(watchers.map((w) => w.sees(control.name)));
  control.cut();
  await Promise.all(watchers.map((w) => w.misses(control.name)));
  for (const w of watchers) {
    for (const { name } of gone) {
      assert.equal(w.leaves(name), 1, `${name} left once`);
    }
    for (const name of [...returning.map((p) => p.name), twoTabs.name]) {
      assert.deepEqual([w.joins(name), w.leaves(name)], [1, 0], `${name} was never away`);
    }
    assert.equal(w.collect(":disconnect").length, 0, "the other gateways' clients notice nothing");
  }

  /* Everybody who is here can talk. */
  const id = await returning[0].say("group", "we are back");
  await Promise.all([...returning, ...watchers, tabs[1]].map((p) => p.waitFor("message_in", (m) => m.message_id === id)));
  const direct = await watchers[0].say(returning[1].name, "welcome back");
  await returning[1].waitFor("message_in", (m) => m.message_id === direct);
});

stack.lastTest();

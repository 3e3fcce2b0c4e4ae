/* list.test.mjs - the list of active users: who comes, who goes, and who was never away
 *
 * Two presence-svc watch over it.  That somebody is not seen leaving is proven by a control: another
 * user, cut later, whose leave has been seen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { logout, scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ PRESENCE_SVCS: "2" });

const joined = (peer, name) => peer.waitFor("user_change_in", (d) => d.joined?.includes(name));
const left = (peer, name) => peer.waitFor("user_change_in", (d) => d.left?.includes(name));
const inGrace = (name) =>
  until(`${name} is in grace`, async () => (await stack.redis("EXISTS", `{chat}:grace:${name.toLowerCase()}`)) === "1");
const sorted = (names) => [...names].sort();

/* One on each gateway, who see each other: both gateways have told what was before. */
async function watchers(s) {
  const both = await Promise.all([1, 2].map((g) => s.enter("watcher", stack.gateway(g))));
  await Promise.all(both.flatMap((w) => both.map((other) => w.sees(other.name))));
  return both;
}

/* Cuts somebody new and waits until everybody saw the leave: whoever was cut before and should have
 * left by then has been seen leaving too. */
async function controlLeaves(s, seers) {
  const control = await s.enter("control", stack.gateway(1));
  await Promise.all(seers.map((peer) => joined(peer, control.name)));
  control.cut();
  await Promise.all(seers.map((peer) => left(peer, control.name)));
}

test("a newcomer gets the full list, the others see one join, on both gateways", async (t) => {
  const s = scene(t, stack);
  const [w1, w2] = await watchers(s);
  const dan = await s.enter("Dan", stack.gateway(2));
  const [list] = dan.collect("user_change_in");
  for (const name of [w1.name, w2.name, dan.name]) {
    assert.ok(list.users.includes(name), `${name} in ${list.users}`);
  }
  assert.equal(new Set(list.users).size, list.users.length, "everybody once");
  await Promise.all([w1, w2].map((w) => joined(w, dan.name)));
  await Promise.all([w1, w2, dan].map((peer) => peer.sees(w2.name)));
  assert.deepEqual(sorted(w1.users), sorted(dan.users));
  assert.deepEqual(sorted(w2.users), sorted(dan.users));
  assert.deepEqual([w1.joins(dan.name), w2.joins(dan.name)], [1, 1]);
});

test("a login alone is not on the list", async (t) => {
  const s = scene(t, stack);
  const [w1] = await watchers(s);
  const quiet = await s.user("quiet");
  const later = await s.enter("later", stack.gateway(1)); /* logged in and connected after quiet */
  await joined(w1, later.name);
  assert.equal(w1.joins(quiet.name), 0);
  assert.ok(!later.users.has(quiet.name));
});

test("logout: left at once, everywhere, without any grace", async (t) => {
  const s = scene(t, stack);
  const [w1, w2] = await watchers(s);
  const eli = await s.user("eli");
  await s.join(eli, stack.gateway(1));
  await Promise.all([w1, w2].map((w) => joined(w, eli.name)));
  assert.equal((await logout(stack.door, eli.name, eli.token)).status, 200);
  assert.equal(await stack.redis("EXISTS", `{chat}:grace:${eli.name}`), "0");
  await Promise.all([w1, w2].map((w) => left(w, eli.name)));
  await controlLeaves(s, [w1, w2]);
  assert.deepEqual([w1.leaves(eli.name), w2.leaves(eli.name)], [1, 1]);
});

for (const how of ["cut", "close"]) {
  test(`last socket gone (${how}): left after the grace period, not before, once`, async (t) => {
    const s = scene(t, stack);
    const [w1, w2] = await watchers(s);
    const flo = await s.enter("flo", stack.gateway(1));
    await Promise.all([w1, w2].map((w) => joined(w, flo.name)));
    const cutAt = performance.now();
    flo[how]();
    await inGrace(flo.name);
    assert.ok(w1.users.has(flo.name), "still on the list");
    const newcomer = await s.enter("newcomer", stack.gateway(2));
    assert.ok(newcomer.users.has(flo.name), "also for who comes now");
    const seen = await Promise.all([w1, w2].map((w) => left(w, flo.name)));
    for (const { at } of seen) {
      assert.ok(at - cutAt >= stack.graceMs, `not before: ${at - cutAt} ms`);
    }
    await controlLeaves(s, [w1, w2]);
    assert.deepEqual([w1.leaves(flo.name), w2.leaves(flo.name)], [1, 1]);
  });
}

test("back within the grace period on the other gateway: nobody sees anything", async (t) => {
  const s = scene(t, stack);
  const [w1, w2] = await watchers(s);
  const gus = await s.user("gus");
  const first = await s.join(gus, stack.gateway(1));
  await Promise.all([w1, w2].map((w) => joined(w, gus.name)));
  first.cut();
  await inGrace(gus.name);
  const second = await s.join(gus, stack.gateway(2));
  assert.equal(await stack.redis("EXISTS", `{chat}:grace:${gus.name}`), "0", "the countdown is over");
  assert.ok(second.users.has(gus.name));
  await controlLeaves(s, [w1, w2]);
  for (const w of [w1, w2]) {
    assert.deepEqual([w.joins(gus.name), w.leaves(gus.name)], [1, 0]);
  }
  const id = await w1.say(gus.name, "still there?");
  await second.waitFor("message_in", (m) => m.message_id === id);
});

test("two tabs on two gateways, one closed: still online, both usable before, the other after", async (t) => {
  const s = scene(t, stack);
  const [w1, w2] = await watchers(s);
  const hana = await s.user("hana");
  const [one, two] = [await s.join(hana, stack.gateway(1)), await s.join(hana, stack.gateway(2))];
  const both = await w1.say(hana.name, "to both");
  await Promise.all([one, two].map((tab) => tab.waitFor("message_in", (m) => m.message_id === both)));
  await one.say(w1.name, "from one");
  await two.say(w1.name, "from two");
  one.close();
  await until("one gateway serves her", async () => (await stack.servedBy(hana.name)).length === 1);
  await controlLeaves(s, [w1, w2]);
  for (const w of [w1, w2]) {
    assert.deepEqual([w.joins(hana.name), w.leaves(hana.name)], [1, 0]);
  }
  const id = await w2.say(hana.name, "to the one that is left");
  await two.waitFor("message_in", (m) => m.message_id === id);
  await two.say("group", "I am here");
});

test("two tabs on one gateway, one closed: still online", async (t) => {
  const s = scene(t, stack);
  const [w1] = await watchers(s);
  const ivo = await s.user("ivo");
  const [one, two] = [await s.join(ivo, stack.gateway(2)), await s.join(ivo, stack.gateway(2))];
  one.cut();
  await controlLeaves(s, [w1]);
  assert.equal(w1.leaves(ivo.name), 0);
  await two.say("group", "here");
});

test("user_change_out is always answered: full list, changes since a cursor, or nothing new", async (t) => {
  const s = scene(t, stack);
  const [w1] = await watchers(s);
  for (const args of [[], [{}]]) {
    const from = w1.mark();
    assert.deepEqual(await w1.ask("user_change_out", ...args), { ok: true });
    const { data } = await w1.waitFor("user_change_in", (d) => d.users, { from });
    assert.ok(data.users.includes(w1.name));
  }
  const from = w1.mark();
  w1.socket.emit("user_change_out");
  await w1.waitFor("user_change_in", (d) => d.users, { from });

  /* Nothing new: an empty change, or the full list; never silence, never a wrong cursor. */
  const calm = w1.mark();
  const { cursor } = w1;
  assert.deepEqual(await w1.ask("user_change_out", { since: cursor }), { ok: true });
  const { data } = await w1.waitFor("user_change_in", () => true, { from: calm });
  assert.ok(data.users || data.from === cursor, JSON.stringify(data));

  /* Behind: what was missed, or everything. */
  const jon = await s.enter("jon", stack.gateway(2));
  await joined(w1, jon.name);
  const behind = w1.mark();
  assert.deepEqual(await w1.ask("user_change_out", { since: cursor }), { ok: true });
  await w1.waitFor("user_change_in", (d) => d.users?.includes(jon.name) || (d.from === cursor && d.joined.includes(jon.name)), { from: behind });

  /* A cursor that never was. */
  const strange = w1.mark();
  assert.deepEqual(await w1.ask("user_change_out", { since: "no cursor of yours" }), { ok: true });
  await w1.waitFor("user_change_in", (d) => d.users?.includes(jon.name), { from: strange });
});

test("every full list holds oneself, also when it is asked for right after connecting", async (t) => {
  const s = scene(t, stack);
  for (let i = 0; i < 6; i++) {
    const peer = await s.enter("self", stack.gateway(1 + (i % 2)));
    assert.deepEqual(await peer.ask("user_change_out"), { ok: true });
    const lists = await until("the second list", () => {
      const full = peer.collect("user_change_in", (d) => d.users);
      return full.length === 2 && full;
    });
    for (const { users } of lists) {
      assert.ok(users.includes(peer.name), `${peer.name} in ${users}`);
    }
  }
});

test("changes follow each other: from is always the cursor before", async (t) => {
  const s = scene(t, stack);
  const [w1, w2] = await watchers(s);
  const crowd = await Promise.all([...Array(12).keys()].map((i) => s.user(`crowd-${i}-`)));
  await Promise.all(crowd.map((p, i) => s.join(p, stack.gateway(1 + (i % 2)))));
  await Promise.all([w1, w2].flatMap((w) => crowd.map((p) => joined(w, p.name))));
  await Promise.all(crowd.map((p) => logout(stack.door, p.name, p.token)));
  for (const w of [w1, w2]) {
    await Promise.all(crowd.map((p) => left(w, p.name)));
    assert.equal(w.gaps, 0);
    for (const p of crowd) {
      assert.deepEqual([w.joins(p.name), w.leaves(p.name)], [1, 1], p.name);
    }
  }
});

test("one of two presence-svc is killed: the other lets people leave, once", async (t) => {
  const s = scene(t, stack);
  const [w1, w2] = await watchers(s);
  await stack.signal("presence-1", "SIGKILL");
  const kit = await s.enter("kit", stack.gateway(1));
  await Promise.all([w1, w2].map((w) => joined(w, kit.name)));
  kit.cut();
  await Promise.all([w1, w2].map((w) => left(w, kit.name)));
  await controlLeaves(s, [w1, w2]);
  assert.deepEqual([w1.leaves(kit.name), w2.leaves(kit.name)], [1, 1]);
});

stack.lastTest();

/* replay.test.mjs - whoever comes back gets exactly what was missed, in order, before anything new */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Peer, scene } from "../support/client.mjs";
import { gotAll, isAscending } from "../support/delivery.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GRACE_S: "60", LEASE_MS: "3000", RATE_MESSAGES: "100000:100000" });

/* Comes back and waits until the list is there: what was missed stands before it. */
async function back(s, who, gateway, options = {}) {
  const peer = await s.join(who, stack.gateway(gateway), options);
  const list = peer.diary.findIndex((e) => e.event === "user_change_in");
  return { peer, told: peer.diary.slice(0, list + 1).filter((e) => !e.event.startsWith(":")) };
}

function events(told) {
  return told.map((e) => (e.event === "message_in" ? e.data.message_id : e.event));
}

function inGrace(who) {
  return until(`${who.name} is in grace`, async () => (await stack.redis("EXISTS", `{chat}:grace:${who.name.toLowerCase()}`)) === "1");
}

/* Sends them all at once, in order; resolves to their ids. */
function sayAll(peer, receiver, texts) {
  return Promise.all(texts.map((text) => peer.say(receiver, text)));
}

/* What two sockets may hold at most before their writer has to wait. */
async function kernelBytes() {
  const files = ["tcp_rmem", "tcp_wmem"].map((name) => readFile(`/proc/sys/net/ipv4/${name}`, "utf8"));
  return (await Promise.all(files)).reduce((sum, text) => sum + Number(text.split(/\s+/)[2]), 0);
}

const numbered = (count, text = "message") => Array.from({ length: count }, (_, i) => `${text} ${i}`);

test("cut off and back on the other gateway: group, direct and what another tab sent, in order, once", async (t) => {
  const s = scene(t, stack);
  const who = await s.user("alice");
  const tab = await s.join(who, stack.gateway(2));
  const alice = await s.join(who, stack.gateway(1), { resume: {} });
  const bob = await s.enter("bob", stack.gateway(2));
  const carol = await s.enter("carol", stack.gateway(1));
  const before = await bob.say("group", "before");
  await alice.waitFor("message_in", (m) => m.message_id === before);
  alice.cut();
  await until("one gateway serves alice", async () => (await stack.servedBy(who.name)).length === 1);
  const missed = [
    await bob.say("group", "to all"),
    await bob.say(who.name, "to you"),
    await tab.say(bob.name, "from the other tab", { client_id: "t1" }),
    await tab.say("group", "to all from the other tab", { client_id: "t2" }),
    await tab.say(who.name, "to myself", { client_id: "t3" }),
  ];
  await bob.say(carol.name, "not for alice");
  const { peer, told } = await back(s, who, 2, { resume: alice.position() });
  assert.deepEqual(events(told), ["session", ...missed, "user_change_in"]);
  assert.deepEqual(told[0].data, { username: who.name, recovered: true, message_max_bytes: 4096 });
  assert.deepEqual(told.filter((e) => e.event === "message_in").map((e) => e.data.client_id), [undefined, undefined, "t1", "t2", "t3"]);
  const live = await carol.say(who.name, "live");
  await gotAll(peer, [...missed, live]);
  assert.equal(peer.ids().length, missed.length + 1);
  await gotAll(tab, [live]);
  assert.deepEqual(tab.ids().slice(-missed.length - 1), [...missed, live], "the tab that stayed got them as they came");
});

test("nothing missed is recovered too", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1), { resume: {} });
  await alice.say("group", "own");
  await alice.waitFor("message_in");
  const { told } = await back(s, s.someone(alice.name), 2, { resume: alice.position() });
  assert.deepEqual(events(told), ["session", "user_change_in"]);
  assert.equal(told[0].data.recovered, true);
});

test("500 missed, in several pages, while more is said all the time", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1), { resume: {} });
  const bob = await s.enter("bob", stack.gateway(2));
  await bob.say("group", "before");
  await alice.waitFor("message_in");
  const position = alice.position();
  alice.cut();
  const missed = await sayAll(bob, "group", numbered(500));
  const live = [];
  let stop = false;
  const traffic = (async () => {
    while (!stop) {
      live.push(...await sayAll(bob, live.length % 3 ? "group" : alice.name, numbered(20, "live")));
    }
  })();
  await until("traffic", () => live.length > 40);
  const { peer, told } = await back(s, s.someone(alice.name), 2, { resume: position });
  await until("more traffic", (have = live.length) => live.length > 400);
  stop = true;
  await traffic;
  await gotAll(peer, [...missed, ...live]);
  assert.deepEqual(peer.ids(), [...missed, ...live]);
  assert.equal(told[0].data.recovered, true);
  assert.equal(peer.collect("session").length, 1);
  assert.ok(told.filter((e) => e.event === "message_in").length >= 500, "what was missed came before the list");
});

test("without last_id: what came since the last socket was gone; a second tab gets nothing of before", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1));
  const bob = await s.enter("bob", stack.gateway(2));
  await alice.say("group", "before");
  await alice.waitFor("message_in");
  alice.cut();
  const someone = s.someone(alice.name);
  await inGrace(someone);
  const missed = [await bob.say(alice.name, "one"), await bob.say("group", "two"), await bob.say(alice.name, "three")];
  const { told } = await back(s, someone, 2);
  assert.deepEqual(events(told), ["session", ...missed, "user_change_in"]);
  assert.deepEqual(told[0].data, { username: alice.name, recovered: false, message_max_bytes: 4096 });
  const second = await back(s, someone, 1);
  assert.deepEqual(events(second.told), ["session", "user_change_in"]);
  assert.equal(second.told[0].data.recovered, false);
});

test("another tab may begin where it likes", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1));
  const first = await alice.say("group", "first");
  const rest = await sayAll(alice, "group", numbered(3));
  const { peer, told } = await back(s, s.someone(alice.name), 1, { resume: { last_id: first } });
  assert.deepEqual(events(told), ["session", ...rest, "user_change_in"]);
  assert.equal(told[0].data.recovered, true);
  const whole = await back(s, s.someone(alice.name), 2, { resume: { last_id: 0 } });
  assert.deepEqual(events(whole.told), ["session", first, ...rest, "user_change_in"], "0: since the login");
  assert.equal(whole.told[0].data.recovered, true);
  const next = await alice.say(alice.name, "next");
  await gotAll(peer, [...rest, next]);
});

test("more than is kept: told so, and what is left comes", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1), { resume: {} });
  const bob = await s.enter("bob", stack.gateway(2));
  await bob.say(alice.name, "before");
  await alice.waitFor("message_in");
  alice.cut();
  const missed = await sayAll(bob, alice.name, numbered(300));
  const { told } = await back(s, s.someone(alice.name), 2, { resume: alice.position() });
  const got = events(told).slice(1, -1);
  assert.equal(told[0].data.recovered, false);
  assert.ok(got.length >= 200 && got.length < 300, `${got.length} are left`);
  assert.deepEqual(got, missed.slice(-got.length), "the newest, without a hole");
});

for (const last_id of ["12", -1, 1.5, null, {}, [3], 1e30, true]) {
  test(`last_id ${JSON.stringify(last_id)} counts as absent`, async (t) => {
    const s = scene(t, stack);
    const alice = await s.enter("alice", stack.gateway(1));
    await alice.say("group", "before");
    const someone = s.someone(alice.name);
    const { told } = await back(s, someone, 1, { auth: { token: someone.token, last_id, presence: last_id } });
    assert.deepEqual(events(told), ["session", "user_change_in"]);
    assert.equal(told[0].data.recovered, false);
  });
}

test("a last_id that was never given: nothing is recovered, and life goes on", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1));
  const { peer, told } = await back(s, s.someone(alice.name), 2, { resume: { last_id: 900_000_000_000 } });
  assert.deepEqual(events(told), ["session", "user_change_in"]);
  assert.equal(told[0].data.recovered, false);
  const id = await alice.say("group", "live");
  await peer.waitFor("message_in", (m) => m.message_id === id);
});

test("a slow reader comes back to much: it gets everything at its own pace", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1), { resume: {} });
  const bob = await s.enter("bob", stack.gateway(2));
  await bob.say("group", "before");
  await alice.waitFor("message_in");
  const position = alice.position();
  alice.cut();
  const missed = [];
  const enough = await kernelBytes() + 4 * 1048576; /* four times what may wait for one client */
  while (missed.length * 4000 < enough) {
    missed.push(...await sayAll(bob, "group", Array.from({ length: 100 }, () => "x".repeat(4000))));
  }
  const peer = s.keep(new Peer(stack.gateway(1), { token: s.someone(alice.name).token, resume: position, transports: ["websocket"] }));
  peer.name = alice.name;
  await peer.waitFor("session");
  const { ws } = peer.socket.io.engine.transport;
  ws.pause();
  await sayAll(bob, bob.name, numbered(200));
  for (let i = 0; i < 50; i++) {
    await bob.say(bob.name, "time passes");
  }
  assert.ok(peer.ids().length < missed.length, "it has not read everything");
  ws.resume();
  await gotAll(peer, missed, { timeout: 60_000 });
  assert.equal(peer.collect(":disconnect").length, 0);
  assert.equal(peer.collect("session").length, 1);
  assert.equal(peer.collect("session")[0].recovered, true);
});

test("a list of before is brought up to date with its changes alone", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1), { resume: {} });
  const stays = await s.enter("stays", stack.gateway(1));
  await alice.sees(stays.name);
  const position = alice.position();
  alice.cut();
  const dave = await s.enter("dave", stack.gateway(2));
  await stays.sees(dave.name);
  const peer = s.keep(new Peer(stack.gateway(1), { token: s.someone(alice.name).token, resume: position }));
  await peer.sees(dave.name);
  const lists = peer.collect("user_change_in");
  assert.ok(lists.every((d) => d.users === undefined), "no full list was needed");
  assert.equal(lists[0].from, position.presence);
  assert.equal(peer.gaps, 0);
  const later = await s.enter("later", stack.gateway(2));
  await peer.sees(later.name);
  assert.equal(peer.gaps, 0, "what follows continues from there");
  const other = await back(s, s.someone(alice.name), 1, { resume: { presence: "0123456789abcdef.1" } });
  assert.ok(other.peer.collect("user_change_in")[0].users.includes(dave.name), "of an unknown cursor nothing follows but the list");
});

/* Last: it changes the history. */
test("a last_id of an older epoch, and live clients in a new one: told that something may be missing, once", async (t) => {
  const s = scene(t, stack);
  const alice = await s.enter("alice", stack.gateway(1), { resume: {} });
  const bob = await s.enter("bob", stack.gateway(2));
  const live = await s.enter("live", stack.gateway(1));
  await bob.say("group", "before");
  await alice.waitFor("message_in");
  const position = alice.position();
  alice.cut();
  const kept = [await bob.say(alice.name, "one"), await bob.say("group", "two")];
  const epoch = await stack.redis("HGET", "{chat}:presence", "epoch");
  await stack.redis("HSET", "{chat}:presence", "run", "another"); /* as after a restart that kept its data */
  await until("a new epoch", async () => (await stack.redis("HGET", "{chat}:presence", "epoch")) !== epoch);
  await until("it has settled", async () => (await stack.redis("HEXISTS", "{chat}:presence", "settle")) === "0");
  for (const peer of [bob, live]) {
    await peer.waitFor("session", (d) => !d.recovered, { from: peer.diary.findIndex((e) => e.event === "session") + 1 });
  }
  const { peer, told } = await back(s, s.someone(alice.name), 2, { resume: position });
  assert.equal(told[0].data.recovered, false);
  assert.deepEqual(events(told), ["session", ...kept, "user_change_in"], "what Redis still has comes nevertheless");
  const id = await until("messages flow", async () => (await bob.ask("message_out", { receiver: "group", message_text: "after" })).message_id);
  await gotAll(peer, [...kept, id]);
  await gotAll(live, [id]);
  for (const p of [bob, live]) {
    assert.equal(p.collect("session").length, 2, `${p.name} was told once`);
    assert.equal(p.collect(":disconnect").length, 0);
    isAscending(p);
  }
});

stack.lastTest();

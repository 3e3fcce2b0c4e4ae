/* faults.test.mjs - containers that are killed, restarted, scaled away and added while 20 people write
 *
 * Whatever dies comes back by itself.  Nobody who was away for less than the grace period is seen
 * leaving, every session lives on, and who stays connected gets everything that was accepted. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { connect, logout, scene, user } from "../support/client.mjs";
import { until } from "../support/wait.mjs";
import { assertQuiet, docker, test, useProject } from "./project.mjs";
import { Traffic } from "./traffic.mjs";

const WRITERS = 20;
const GRACE_S = 8; /* longer than a container needs to come back, here where many tests share two cores */
const LEASE_MS = 2000;
const SCALE = { "gateway-svc": 3, "auth-svc": 1, "presence-svc": 2 };
const project = useProject({
  GRACE_S: `${GRACE_S}`, LEASE_MS: `${LEASE_MS}`, PING_INTERVAL_MS: "2000", PING_TIMEOUT_MS: "5000", RATE_LOGINS: "10000:10000",
  MAX_SOCKETS_PER_USER: "1000",
});

const leaving = [];
const traffic = new Traffic();
after(() => traffic.peers.forEach((peer) => peer.close()));

const rows = (text) => text.split("\n").filter(Boolean);
const gateways = async () => rows(await project.operator("ZRANGE", "{chat}:gateways", "0", "-1"));
const servedBy = async (name) =>
  rows(await project.operator("HKEYS", `{chat}:user:${name.toLowerCase()}`)).filter((field) => field.startsWith("at:"));
const inGrace = (name) =>
  until(`${name} is in grace`, async () => (await project.operator("EXISTS", `{chat}:grace:${name}`)) === "1");

/* That many gateways live, and each serves somebody: new ones get whom the door sends there. */
async function gatewaysServe(count) {
  const someone = await user(project.door, `visitor-${Date.now().toString(36)}`);
  const peers = [];
  await until(`${count} gateways, each of which serves somebody`, async () => {
    const ids = await gateways();
    const users = await Promise.all(ids.map((id) => project.operator("SCARD", `{chat}:gateway:${id}:users`)));
    const done = ids.length === count && users.every((n) => n !== "0");
    void (done || peers.push(await connect(project.door, { token: someone.token })));
    return done;
  }, { timeout: 60_000, every: 100 });
  peers.forEach((peer) => peer.close());
  await logout(project.door, someone.name, someone.token);
}

/* Somebody new can come, be seen, and talk. */
async function newcomerIsServed() {
  const fresh = await until("a login succeeds", () =>
    user(project.door, `new-${Date.now().toString(36)}`).catch(() => undefined), { timeout: 60_000, every: 200 });
  const peer = await connect(project.door, { token: fresh.token });
  const id = await peer.say("group", "I am new here");
  await Promise.all(traffic.peers.map((other) => other.waitFor("message_in", (m) => m.message_id === id)));
  peer.close();
  await logout(project.door, fresh.name, fresh.token);
}

test(`comes up with three gateways and two presence-svc, and ${WRITERS} people write`, async () => {
  await project.up(SCALE);
  await gatewaysServe(3);
  await traffic.start(scene({ after: (leave) => leaving.push(leave) }, project), WRITERS);
  await traffic.judge(traffic.mark(), { alive: true });
});

/* ---- More and fewer gateways ---- */

for (const count of [1, 3]) {
  test(`scaled to ${count} gateway${count > 1 ? "s" : ""} under traffic`, async (t) => {
    const marks = traffic.mark();
    const start = performance.now();
    await project.up({ ...SCALE, "gateway-svc": count });
    assert.equal((await project.containers("gateway-svc")).length, count);
    await traffic.flows();
    await gatewaysServe(count);
    const { lost } = await traffic.judge(marks, { alive: count === 3 });
    assert.ok(count === 3 || lost >= WRITERS / 3, `those of the gateways that went had to move: ${lost}`);
    t.diagnostic(`${(performance.now() - start).toFixed(0)} ms; ${lost} connections moved`);
  });
}

/* ---- Death and restart of each container ---- */

const VICTIMS = [
  /* service, number, [least, most] connections that are lost with it */
  ["presence-svc", 1, [0, 0]],
  ["presence-svc", 2, [0, 0]],
  ["auth-svc", 1, [0, 0]],
  ["gateway-svc", 1, [1, WRITERS]],
  ["gateway-svc", 2, [1, WRITERS]],
  ["gateway-svc", 3, [1, WRITERS]],
  ["haproxy", 1, [WRITERS, 2 * WRITERS]],
  ["redis", 1, [0, 0]],
];

/* Reconnects people until every gateway serves one: whichever dies, somebody notices. */
async function spread() {
  const serving = async () => new Set((await Promise.all(traffic.names.map(servedBy))).flat());
  for (let i = 0; (await serving()).size < 3; i++) {
    const peer = traffic.peers[i % WRITERS];
    peer.socket.io.engine.transport.ws.terminate();
    await peer.waitFor("user_change_in", (d) => d.users, { from: peer.mark() });
    assert.ok(i < 5 * WRITERS, "the door spreads people");
  }
}

for (const [service, number, [least, most]] of VICTIMS) {
  test(`kill -9 of ${service} ${number} under traffic: all goes on`, async (t) => {
    await spread();
    const marks = traffic.mark();
    const start = performance.now();
    const victim = await project.container(service, number);
    await project.kill(victim);
    const [now] = await Promise.all([project.restarted(victim), traffic.flows()]);
    const back = performance.now() - start;
    await newcomerIsServed();
    await gatewaysServe(3);
    const { lost, refused } = await traffic.judge(marks);
    t.diagnostic(`well again after ${back.toFixed(0)} ms; ${lost} connections lost; ${JSON.stringify(refused)} so far`);
    assert.ok(lost >= least && lost <= most, `${lost} connections were lost, not ${least} to ${most}`);
    assert.equal(now.State.OOMKilled, false);
  });
}

test("each is restarted, one after the other, under traffic: all goes on", async (t) => {
  const marks = traffic.mark();
  for (const [service, number] of VICTIMS) {
    const container = await project.container(service, number);
    const start = performance.now();
    await docker("restart", "-t", "10", container.Id);
    const stopped = performance.now() - start;
    assert.ok(stopped < 10_000, `${service} ends when it is asked to: ${stopped.toFixed(0)} ms`);
    await Promise.all([project.restarted(container), traffic.flows()]);
    t.diagnostic(`${service} ${number}: down and up in ${stopped.toFixed(0)} ms, well after ${(performance.now() - start).toFixed(0)} ms`);
  }
  await newcomerIsServed();
  await gatewaysServe(3);
  await traffic.judge(marks);
});

/* ---- Leaves ---- */

/* They go without a word; resolves when each is in grace. */
async function cutAll(people) {
  people.forEach((peer) => peer.cut());
  await Promise.all(people.map((peer) => inGrace(peer.name)));
}
const everybodySaw = (names, options) => Promise.all(traffic.peers.flatMap((peer) => names.map((name) =>
  peer.waitFor("user_change_in", (d) => d.left?.includes(name), options))));
/* Another one, cut later, whose leave has been seen: no more of the others' is on its way. */
async function controlLeaves(s) {
  const control = await s.enter("control");
  await Promise.all(traffic.peers.map((peer) => peer.sees(control.name)));
  await cutAll([control]);
  await everybodySaw([control.name], { timeout: 30_000 });
}
function leftOnce(names) {
  for (const peer of traffic.peers) {
    assert.deepEqual(names.map((name) => peer.leaves(name)), names.map(() => 1), `${peer.name} saw each of ${names} leaving once`);
  }
}

test("two presence-svc: each leave is told once", async (t) => {
  const s = scene(t, project);
  const people = await Promise.all(Array.from({ length: 10 }, () => s.enter("goes")));
  const names = people.map((peer) => peer.name);
  await Promise.all(traffic.peers.flatMap((peer) => names.map((name) => peer.sees(name))));
  await cutAll(people);
  await everybodySaw(names, { timeout: 30_000 });
  await controlLeaves(s);
  leftOnce(names);
});

test("both presence-svc stopped while deadlines pass: nobody leaves; back again, each leaves once, and who returned never", async (t) => {
  const s = scene(t, project);
  const people = await Promise.all(Array.from({ length: 6 }, () => s.enter("waits")));
  const returner = await s.user("returns");
  const first = await s.join(returner);
  const names = people.map((peer) => peer.name);
  await Promise.all(traffic.peers.flatMap((peer) => [...names, returner.name].map((name) => peer.sees(name))));
  await project.compose("stop", "presence-svc");
  assert.ok((await project.containers("presence-svc")).every((c) => !c.State.Running), "both are stopped");
  await cutAll([...people, first]);
  const second = await s.join(returner);
  /* The countdown keys are the operator's view of the same deadlines; they end, and nothing happens. */
  await until("all deadlines have passed", async () => {
    const left = await Promise.all(names.map((name) => project.operator("EXISTS", `{chat}:grace:${name}`)));
    return left.every((exists) => exists === "0");
  }, { timeout: 30_000, every: 250 });
  const id = await traffic.peers[0].say("group", "still nobody has left");
  await Promise.all(traffic.peers.map((peer) => peer.waitFor("message_in", (m) => m.message_id === id)));
  for (const peer of traffic.peers) {
    assert.deepEqual(names.filter((name) => peer.leaves(name) > 0), [], "nobody tells a leave but presence-svc");
  }
  await project.compose("start", "presence-svc");
  await everybodySaw(names, { timeout: 30_000 });
  await controlLeaves(s);
  leftOnce(names);
  assert.deepEqual(traffic.peers.map((peer) => peer.leaves(returner.name)), traffic.peers.map(() => 0));
  assert.equal(second.socket.connected, true, "who returned is still here");
});

test("no token and no password in any log", async () => {
  await traffic.stop();
  await Promise.all(leaving.map((leave) => leave()));
  await project.password("admin");
  await project.password("operator");
  await assertQuiet(project);
});

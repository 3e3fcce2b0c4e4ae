/* faults.test.mjs - the terminal client on a screen, while things break */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { Screen } from "../support/terminal.mjs";
import { until } from "../support/wait.mjs";

/* Long leases and checks: a stopped gateway shall not be noticed by anybody but us. */
const stack = useStack({ GRACE_S: "60", LEASE_MS: "30000", DOOR_CHECK_MS: "20000", PING_TIMEOUT_MS: "30000" });
const GATEWAYS = ["gateway-1", "gateway-2"];
let number = 0;

async function open(t) {
  const me = `al${++number}`;
  const screen = await Screen.open(t, ["--url", stack.door, me], { columns: 110 });
  t.after(() => { /* should the test have failed before it did so */
    for (const name of [...GATEWAYS, "auth-1", "redis"]) {
      try { process.kill(stack.process(name).pid, "SIGCONT"); } catch { /* it is dead, as the test wanted */ }
    }
  });
  await screen.sees(`online as ${me}`);
  return { me, screen };
}

/* The gateway that has this user's connection: its name in run.json. */
async function gatewayOf(name) {
  const ids = await until("somebody serves him", async () => {
    const found = await stack.servedBy(name);
    return found.length > 0 && found;
  });
  for (const i of [1, 2]) {
    if ((await stack.gatewayId(i)) === ids[0]) {
      return i;
    }
  }
  return assert.fail(`${name} is served by ${ids}`);
}

async function quit(screen) {
  await screen.enter("/quit");
  assert.equal(await screen.status(), 0, await screen.text());
}

/* For a moment after a fault it may be refused once more. */
async function retry(screen) {
  await until("it is sent", async () => {
    const text = await screen.text();
    if (text.includes("[not sent")) {
      await screen.enter("/retry");
    }
    return !/\[(not sent|waiting)/.test(text);
  }, { every: 200 });
}

const times = (peer, text) => peer.collect("message_in", (m) => m.message_text === text).length;

test("no answer: grey, after 5 s red; the late answer makes it sent, and it came once", async (t) => {
  const s = scene(t, stack);
  const { screen } = await open(t);
  const bob = await s.enter("bob", stack.gateway(1));
  for (const name of GATEWAYS) {
    await stack.signal(name, "SIGSTOP");
  }
  await screen.enter("are you there?");
  await screen.sees("are you there?  [waiting]");
  const grey = (await screen.lines({ colours: true })).find((line) => line.includes("[waiting]"));
  assert.match(grey, /\x1b\[(90|38;5;8|2)m/, "in grey");
  await screen.sees("are you there?  [not sent: no answer in 5 s; /retry]");
  for (const name of GATEWAYS) {
    await stack.signal(name, "SIGCONT");
  }
  await screen.misses("[not sent");
  await screen.sees(/are you there\? *│/);
  await bob.waitFor("message_in", (m) => m.message_text === "are you there?");
  await bob.say("group", "marker");
  await screen.sees("marker");
  assert.equal(times(bob, "are you there?"), 1);
  await quit(screen);
});

test("Redis stopped: red with the reason; /retry when it is back sends it once", async (t) => {
  const s = scene(t, stack);
  const { screen } = await open(t);
  const bob = await s.enter("bob", stack.gateway(2));
  await stack.signal("redis", "SIGSTOP");
  await screen.enter("into the void");
  await screen.sees(/into the void  \[not sent: [^\]]+; \/retry\]/);
  await stack.signal("redis", "SIGCONT");
  await until("the gateways are ready", () => stack.ready());
  /* Perhaps it has been accepted, and only the answer was lost: then it is sent, late. */
  await retry(screen);
  await bob.waitFor("message_in", (m) => m.message_text === "into the void");
  await bob.say("group", "marker");
  await screen.sees("marker");
  assert.equal(times(bob, "into the void"), 1);
  await quit(screen);
});

test("the gateway is killed while somebody types: the line stays, what is written meanwhile waits and goes out in order", async (t) => {
  const s = scene(t, stack);
  const { me, screen } = await open(t);
  const mine = await gatewayOf(me);
  const bob = await s.enter("bob", stack.gateway(3 - mine));
  await bob.sees(me);
  /* Both gateways stand still, so that there is time to write; then the one dies. */
  await screen.type("half a li");
  await stack.signal(`gateway-${3 - mine}`, "SIGSTOP");
  await stack.signal(`gateway-${mine}`, "SIGKILL");
  await screen.sees(/(offline: connection lost; trying again in \d+ s|connecting \.\.\.)/);
  await screen.sees("> half a li");
  await screen.enter("ne");
  await screen.enter("and another");
  await screen.sees("half a line  [waiting]");
  await screen.sees("and another  [waiting]");
  await screen.sees("2 unsent");
  await stack.signal(`gateway-${3 - mine}`, "SIGCONT");
  await screen.sees(`online as ${me}`);
  await screen.misses("[waiting]");
  assert.doesNotMatch(await screen.text(), /may be missing/, "he got all that he missed");
  await bob.waitFor("message_in", (m) => m.message_text === "and another");
  assert.deepEqual(bob.texts().slice(-2), ["half a line", "and another"]);
  assert.equal(bob.leaves(me), 0, "nobody saw him leave");
  await quit(screen);
  await bob.misses(me);
  await stack.startAgain(`gateway-${mine}`);
});

test("no gateway at all: the countdown runs; a message that was under way is red; then all is well", async (t) => {
  const { me, screen } = await open(t);
  for (const name of GATEWAYS) {
    await stack.signal(name, "SIGSTOP");
  }
  await screen.enter("under way");
  await screen.sees("under way  [waiting]");
  for (const name of GATEWAYS) {
    await stack.signal(name, "SIGKILL");
  }
  await screen.sees("under way  [not sent: connection lost; /retry]");
  const seen = new Set();
  await until("the countdown is seen to run", async () => {
    const found = /offline: .*; trying again in (\d+) s/.exec(await screen.text());
    return found && seen.add(found[1]).size >= 3;
  }, { timeout: 30_000 });
  await until("the status line is red", async () => /\x1b\[(7;31|31;7|7m\x1b\[31)m/.test((await screen.lines({ colours: true })).at(-2)));
  for (const name of GATEWAYS) {
    await stack.startAgain(name);
  }
  await screen.sees(`online as ${me}`, { timeout: 30_000 });
  await retry(screen);
  await screen.sees(/under way *│/);
  await quit(screen);
});

test("Ctrl-D while nobody answers: it ends all the same", async (t) => {
  const { screen } = await open(t);
  for (const name of [...GATEWAYS, "auth-1"]) {
    await stack.signal(name, "SIGSTOP");
  }
  await screen.enter("never answered");
  await screen.press("C-d");
  assert.equal(await screen.status(), 5, "not all was sent");
  for (const name of [...GATEWAYS, "auth-1"]) {
    await stack.signal(name, "SIGCONT");
  }
});

stack.lastTest();

/* faults.test.mjs - what people see when something breaks below the page: a gateway dies while they
 * type, Redis stands still or loses everything, the network is cut or hangs */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* A page that hears nothing gives up after 10 s, well behind the 5 s in which it waits for an answer. */
const stack = useStack({ GRACE_S: "40", PING_TIMEOUT_MS: "8000", LEASE_MS: "2000" });
const scene = useBrowser();
const GATEWAYS = ["gateway-1", "gateway-2"];
/* What the browser itself says of connections that break. */
const BROKEN = /WebSocket connection to .* failed/;

const both = (signal) => Promise.all(GATEWAYS.map((name) => stack.signal(name, signal)));
const count = async (person, text) => (await person.texts()).filter((one) => one === text).length;
const act = (person, text, what) => person.row(text, "failed").locator(`[data-act="${what}"]`).click();
const reasonOf = async (person, text) => (await person.rows()).find((row) => row.text === text)?.reason;

/* Writes down whatever the page says of its connection from now on: [state, words]. */
async function watch(person) {
  await person.page.evaluate(() => {
    const line = document.getElementById("connection");
    const look = () => {
      const said = `${line.dataset.state}: ${document.getElementById("connection-text").textContent}`;
      if (window.saw.at(-1) !== said) { window.saw.push(said); }
    };
    window.saw = [];
    look();
    new MutationObserver(look).observe(line, { attributes: true, childList: true, characterData: true, subtree: true });
  });
  return () => person.page.evaluate(() => window.saw);
}

/* Somebody without a page, who keeps a diary of all that comes. */
async function witness(t, name, gateway = 1) {
  const { token } = await user(stack.door, name);
  const peer = await connect(stack.gateway(gateway), { token });
  t.after(() => peer.close());
  return peer;
}

/* Retries what is red, as somebody would, until nothing is: for a while after a fault everything is refused. */
async function sendAllRed(person) {
  await until("nothing is red any more", async () => {
    const button = await person.page.isVisible("#retry-all") ? "#retry-all" : '#messages [data-act="retry"]';
    await person.page.click(button, { timeout: 300 }).catch(() => {});
    return (await person.rows()).every((row) => row.state === "sent");
  }, { timeout: 30_000, every: 100 });
}

test("a gateway is killed while both type: drafts stay, the one on its way turns red, a countdown is seen, then all goes on", async (t) => {
  const [alice, bob] = await scene(t).two(stack, "Alice", "Bob");
  for (const person of [alice, bob]) { person.expect(BROKEN); }
  const [at] = await stack.servedBy("Alice");
  const name = at === await stack.gatewayId(1) ? "gateway-1" : "gateway-2";
  const [sawAlice, sawBob] = [await watch(alice), await watch(bob)];
  await alice.say("before");
  await bob.sees("before");

  await stack.signal(name, "SIGSTOP"); /* so that nobody can have answered */
  await alice.say("on its way");
  await alice.sees("on its way", "sending");
  await alice.page.fill("#text", "half a sen");
  await bob.page.fill("#text", "bob writes, t");
  await stack.signal(name, "SIGKILL");
  await alice.sees("on its way", "failed");
  assert.match(await reasonOf(alice, "on its way"), /connection was lost/);
  await alice.online();
  const saw = await sawAlice();
  assert.ok(saw.some((said) => /^reconnecting: Reconnecting in \d s$/.test(said)), `a countdown: ${saw}`);
  assert.equal(saw.at(-1), "online: Online");
  assert.deepEqual([await alice.page.inputValue("#text"), await bob.page.inputValue("#text")], ["half a sen", "bob writes, t"]);
  assert.deepEqual(await sawBob(), ["online: Online"], "whom another gateway serves noticed nothing");
  await until("within the grace period nobody is gone", async () => (await alice.users()).join() === "Alice,Bob" && (await bob.users()).join() === "Alice,Bob");

  await act(alice, "on its way", "retry");
  await alice.sees("on its way", "sent");
  await alice.page.focus("#text");
  await alice.page.keyboard.press("End");
  await alice.page.keyboard.type("tence");
  await alice.page.keyboard.press("Enter");
  await bob.page.focus("#text");
  await bob.page.keyboard.press("End");
  await bob.page.keyboard.type("oo");
  await bob.page.keyboard.press("Enter");
  for (const person of [alice, bob]) {
    await person.sees("half a sentence", "sent");
    await person.sees("bob writes, too", "sent");
    assert.deepEqual((await person.texts()).sort(), ["before", "bob writes, too", "half a sentence", "on its way"], "each once");
    assert.ok(!(await person.notes()).some((note) => /(Alice|Bob)[^·]* left/.test(note)), "neither was said to have left");
  }

  /* And Bob's, while the first is back. */
  await stack.startAgain(name);
  const other = GATEWAYS.find((one) => one !== name);
  await bob.page.fill("#text", "still h");
  await stack.signal(other, "SIGKILL");
  await until("he noticed", async () => (await sawBob()).some((said) => said.startsWith("reconnecting")));
  await Promise.all([bob.online(), alice.online()]);
  assert.equal(await bob.page.inputValue("#text"), "still h");
  await bob.page.press("#text", "Enter");
  await alice.sees("still h");
  await bob.sees("still h", "sent");
  assert.equal(await count(alice, "still h"), 1);
  await stack.startAgain(other);
});

test("what a page says it has: nothing at a login, 0 when nothing came yet or it was loaded anew, then the last; so nothing is missed", async (t) => {
  const s = scene(t);
  const alice = await s.open(stack.door);
  alice.expect(BROKEN);
  const [auths, sessions] = [[], []];
  alice.page.on("websocket", (ws) => {
    ws.on("framesent", ({ payload }) => String(payload).startsWith("40") && auths.push(JSON.parse(String(payload).slice(2) || "{}")));
    ws.on("framereceived", ({ payload }) => String(payload).startsWith('42["session"') && sessions.push(JSON.parse(String(payload).slice(2))[1]));
  });
  const cut = async (meanwhile) => {
    const before = sessions.length;
    await alice.context.setOffline(true);
    await alice.page.waitForSelector('#connection[data-state="offline"]');
    await meanwhile();
    await alice.context.setOffline(false);
    await until("it is back", () => sessions.length > before);
    await alice.online();
  };
  const gaps = async () => (await alice.notes()).filter((note) => /missing/.test(note));
  await alice.signIn("Ayla");
  const peer = await witness(t, "bo");
  for (const text of ["one", "two"]) {
    await cut(() => peer.say("group", text));
    await alice.sees(text);
  }
  assert.deepEqual(auths.map((auth) => auth.last_id), [undefined, 0, Number((await alice.rows())[0].messageId)]);
  assert.deepEqual(auths.map((auth) => typeof auth.presence), ["undefined", "string", "string"]);
  assert.deepEqual(sessions.map(({ recovered }) => recovered), [false, true, true]);
  assert.deepEqual([await alice.texts(), await gaps()], [["one", "two"], []]);

  await alice.page.reload();
  await alice.online();
  await until("a reload has nothing", () => auths.length === 4);
  assert.deepEqual([auths[3].last_id, typeof auths[3].presence], [0, "undefined"]);
  await alice.sees("two");
  assert.deepEqual([await alice.texts(), await gaps()], [["one", "two"], []]);
});

test("the answer is lost with the connection: red, and what is caught up with makes it normal, by itself", async (t) => {
  const s = scene(t);
  const alice = await s.open(stack.door);
  alice.expect(BROKEN);
  let isHeld = false;
  await alice.page.routeWebSocket(/socket\.io/, (ws) => {
    const server = ws.connectToServer();
    server.onMessage((message) => isHeld && /^4[23]/.test(message) ? undefined : ws.send(message));
  });
  await alice.page.reload();
  await alice.signIn("Aune");
  const bob = await s.enter(stack, "Bure");
  isHeld = true;
  await alice.say("did it arrive?");
  await bob.sees("did it arrive?");
  await alice.context.setOffline(true);
  await alice.sees("did it arrive?", "failed");
  assert.match(await reasonOf(alice, "did it arrive?"), /connection was lost/);
  isHeld = false;
  await alice.context.setOffline(false);
  await alice.sees("did it arrive?", "sent");
  assert.deepEqual([await count(alice, "did it arrive?"), await count(bob, "did it arrive?")], [1, 1]);
});

test("the network is cut: words, the draft stays, what is written waits and goes out in order, once", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Anja");
  alice.expect(BROKEN, /ERR_INTERNET_DISCONNECTED/);
  const peer = await witness(t, "pia");
  await alice.context.setOffline(true);
  await alice.page.waitForSelector('#connection[data-state="offline"]');
  const saw = await watch(alice);
  assert.match(await alice.page.textContent("#notice"), /messages wait here/);
  assert.equal(await alice.page.isVisible("#notice"), true);
  for (const text of ["first", "secnd", "third"]) {
    await alice.say(text);
    await alice.sees(text, "waiting");
  }
  /* Taken back, corrected: it is then the last. */
  await alice.page.press("#text", "ArrowUp");
  assert.equal(await alice.page.inputValue("#text"), "third");
  await alice.page.fill("#text", "third, corrected");
  await alice.page.press("#text", "Enter");
  await alice.sees("third, corrected", "waiting");
  assert.deepEqual(await alice.texts(), ["first", "secnd", "third, corrected"]);
  await alice.page.fill("#text", "a draft");
  await until("it tried, and counts down", async () => (await saw()).filter((said) => /^offline: Offline, retry in \d+ s$/.test(said)).length >= 2);
  assert.deepEqual(peer.texts(), []);
  await alice.shot("offline");
  await alice.context.setOffline(false);
  await alice.online();
  await alice.sees("third, corrected", "sent");
  assert.equal(await alice.page.isVisible("#notice"), false);
  assert.equal(await alice.page.inputValue("#text"), "a draft");
  await alice.page.press("#text", "Enter");
  await alice.sees("a draft", "sent");
  await until("they arrived", () => peer.texts().length >= 4);
  assert.deepEqual(peer.texts(), ["first", "secnd", "third, corrected", "a draft"]);
  assert.deepEqual(await alice.texts(), ["first", "secnd", "third, corrected", "a draft"]);
});

test("both gateways hang: red after 5 s without an answer; what comes late is not lost on it; shown once", async (t) => {
  const s = scene(t);
  const [alice, bob] = await s.two(stack, "Aina", "Bodo");
  for (const person of [alice, bob]) { person.expect(BROKEN); }
  const saw = await watch(alice);
  await both("SIGSTOP");
  await alice.say("into the silence");
  await alice.sees("into the silence", "failed");
  assert.match(await reasonOf(alice, "into the silence"), /no answer/);
  await both("SIGCONT");
  /* Who was away so long may not accept it: that, too, is an answer.  Or the connection is lost before it comes. */
  await until("it is known what became of it", async () => (await alice.row("into the silence", "sent").count()) > 0
    || /not available/.test(await reasonOf(alice, "into the silence") ?? "") || (await saw()).some((said) => said.startsWith("reconnecting")));
  await until("all is well again", () => stack.ready());
  await Promise.all([alice.online(), bob.online()]);
  await sendAllRed(alice);
  await alice.sees("into the silence", "sent");
  await alice.say("@bodo and now?");
  await sendAllRed(alice);
  await bob.sees("and now?");
  await bob.sees("into the silence");
  assert.deepEqual([await count(alice, "into the silence"), await count(bob, "into the silence")], [1, 1]);
});

test("nothing is heard any more: it says so by itself, and comes back by itself", async (t) => {
  const alice = await scene(t).enter(stack, "Alva");
  alice.expect(BROKEN);
  const saw = await watch(alice);
  await both("SIGSTOP");
  await until("no heartbeat came", async () => (await saw()).some((said) => said.startsWith("reconnecting")), { timeout: 30_000 });
  await alice.say("later");
  await alice.sees("later", "waiting");
  await both("SIGCONT");
  await until("it is sent", async () => {
    await alice.page.click("#try-now", { timeout: 200 }).catch(() => {}); /* if it counts */
    return await alice.row("later", "sent").count() > 0;
  }, { timeout: 40_000, every: 200 });
  assert.deepEqual(await alice.texts(), ["later"]);
});

test("Redis stands still: red in words, nobody is thrown out; retry all sends each once, with its client_id", async (t) => {
  const s = scene(t);
  const [alice, bob] = await s.two(stack, "Asta", "Birk");
  const saw = await watch(alice);
  await stack.signal("redis", "SIGSTOP");
  await alice.say("one");
  await alice.say("two");
  await alice.sees("one", "failed");
  await alice.sees("two", "failed");
  assert.match(await reasonOf(alice, "two"), /service is not available at the moment/);
  assert.equal(await alice.page.textContent("#failed-count"), "2 messages were not sent.");
  const ids = (await alice.rows()).map((row) => row.clientId);
  await alice.shot("redis-away");
  await stack.signal("redis", "SIGCONT");
  await until("all is well again", () => stack.ready());
  await sendAllRed(alice);
  await alice.say("@birk three");
  await sendAllRed(alice);
  await bob.sees("three");
  assert.deepEqual(await alice.texts(), ["one", "two", "three"]);
  await until("Bob has all", async () => (await bob.texts()).length >= 3);
  assert.deepEqual(await bob.texts(), ["one", "two", "three"]);
  assert.deepEqual((await alice.rows()).filter((row) => row.text !== "three").map((row) => row.clientId).sort(), ids.sort());
  assert.deepEqual([...new Set((await saw()).map((said) => said.split(":")[0]))], ["online"]);
});

test("Redis is killed and comes back empty: nobody is thrown out, the list stays whole, what was red is sent", async (t) => {
  const s = scene(t);
  const [alice, bob] = await s.two(stack, "Arne", "Berit");
  await alice.say("before the loss");
  await bob.sees("before the loss");
  await stack.signal("redis", "SIGKILL");
  await alice.say("while it is away");
  await alice.sees("while it is away", "failed");
  assert.match(await reasonOf(alice, "while it is away"), /not available/);
  await stack.restartRedis();
  await until("all is well again", () => stack.ready());
  await sendAllRed(alice);
  await bob.sees("while it is away");
  await bob.say("@arne after the loss");
  await sendAllRed(bob);
  await alice.sees("after the loss");
  for (const person of [alice, bob]) {
    await until("it says, once, that something may be missing", async () => (await person.notes()).filter((note) => /missing/.test(note)).length === 1);
    assert.deepEqual((await person.texts()), ["before the loss", "while it is away", "after the loss"]);
    await until("both are in the list", async () => (await person.users()).filter((name) => ["Arne", "Berit"].includes(name)).length === 2);
  }
});

stack.lastTest();

/* reload.test.mjs - a page that is loaded anew, as a phone does by itself: the conversation is there
 * again, and so is what was half written or unsent */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, logout, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GRACE_S: "40" });
const scene = useBrowser();
const BROKEN = [/WebSocket connection to .* failed/, /ERR_INTERNET_DISCONNECTED/];

async function peer(t, name) {
  const { token } = await user(stack.door, name);
  const one = await connect(stack.gateway(1), { token });
  t.after(() => one.close());
  return one;
}

async function reload(person) {
  await person.page.reload();
  await person.online();
  await until("the list is there", async () => (await person.users()).includes(person.name));
}

test("a reload shows the conversation again: own, private, in order, once; nothing of it is new", async (t) => {
  const alice = await scene(t).open(stack.door);
  await alice.context.grantPermissions(["notifications"], { origin: new URL(stack.door).origin });
  await alice.page.addInitScript(() => {
    localStorage.setItem("parley.sound", "on");
    localStorage.setItem("parley.notifications", "on");
    document.hasFocus = () => false; /* whoever looks elsewhere is told of everything that is new */
    window.told = [];
    window.Notification = class { static permission = "granted"; constructor(title, { body }) { window.told.push(body); } };
    OscillatorNode.prototype.start = () => window.told.push("sound");
  });
  await alice.page.reload();
  await alice.signIn("Alice");
  const bob = await peer(t, "bob");
  await bob.say("group", "to all");
  await bob.say("Alice", "to you");
  await alice.sees("to you");
  await alice.say("mine");
  await alice.sees("mine", "sent");
  await alice.say("@bob mine, to you");
  await alice.sees("mine, to you", "sent");
  const shown = async () => (await alice.rows()).map(({ clientId, ...row }) => row);
  const before = await shown();
  assert.deepEqual(before.map(({ text, own, private: only, label }) => [text, own, only, label]), [
    ["to all", false, false, undefined], ["to you", false, true, "Private to you"], ["mine", true, false, undefined], ["mine, to you", true, true, "Private to bob"],
  ]);
  assert.ok((await alice.page.evaluate(() => window.told)).includes("to you"), "what is new is told");
  for (let i = 0; i < 2; i++) {
    await reload(alice);
    assert.deepEqual(await shown(), before);
    assert.deepEqual([await alice.page.evaluate(() => window.told), await alice.page.title(), await alice.page.isVisible("#new-messages")], [[], "Parley", false]);
    assert.deepEqual(await alice.notes(), [], "nothing is missing");
  }
  await bob.say("group", "and now");
  await until("what comes from then on is told", async () => (await alice.page.evaluate(() => window.told)).join() === "sound,and now");
  assert.equal(await alice.page.title(), "(1) Parley");
});

test("\"quiet here\" is said only when it is known, and not above what was said", async (t) => {
  const alice = await scene(t).open(stack.door);
  const line = { isHeld: false, kept: [] };
  await alice.page.routeWebSocket(/socket\.io/, (ws) => {
    const server = ws.connectToServer();
    server.onMessage((message) => (line.isHeld && String(message).startsWith("42") ? line.kept.push(() => ws.send(message)) : ws.send(message)));
  });
  await alice.page.reload();
  await alice.signIn("Ada");
  await alice.page.waitForSelector("#empty:not([hidden])");
  assert.match(await alice.page.textContent("#empty"), /Nothing is stored/);
  await alice.say("it is not");
  await alice.sees("it is not", "sent");
  line.isHeld = true;
  await alice.page.reload();
  await until("all has come, and is held back", () => line.kept.length >= 3);
  assert.deepEqual([await alice.page.isVisible("#chat"), await alice.page.isVisible("#empty")], [true, false]);
  line.isHeld = false;
  line.kept.forEach((send) => send());
  await alice.sees("it is not");
  assert.equal(await alice.page.isVisible("#empty"), false);
});

test("what was said earlier and is not kept any more: the page says so, first", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Aida");
  const bob = await peer(t, "bert");
  for (let i = 0; i < 20; i++) { /* 64 KiB are kept for one */
    await bob.say("Aida", "x".repeat(4000));
  }
  await bob.say("Aida", "the last");
  await alice.sees("the last");
  await reload(alice);
  await alice.sees("the last");
  await until("the first line says so", async () => {
    await alice.page.$eval("#messages", (messages) => { messages.scrollTop = 0; });
    return (await alice.notes())[0] === "What was said earlier is not kept any more.";
  });
});

test("half written, red and waiting: there again after a reload, nothing is sent twice", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Alba");
  const bob = await peer(t, "ben");
  await until("he is there", async () => (await alice.users()).includes("ben"));
  await alice.say("@nowhere red");
  await alice.sees("red", "failed");
  await alice.say("said");
  await alice.sees("said", "sent");
  await alice.page.click('#users [data-name="ben"]');
  await alice.page.keyboard.type("half a sent");
  /* The server takes it, the answer does not arrive: the page is gone before. */
  await Promise.all(["gateway-1", "gateway-2"].map((name) => stack.signal(name, "SIGSTOP")));
  await alice.page.evaluate(() => {
    const draft = document.getElementById("text").value;
    const put = (text) => { document.getElementById("text").value = text; document.getElementById("composer").requestSubmit(); };
    put("on its way");
    document.getElementById("text").value = draft;
  });
  await alice.sees("on its way", "sending");
  const before = await alice.rows();
  const reloaded = alice.page.reload();
  await Promise.all(["gateway-1", "gateway-2"].map((name) => stack.signal(name, "SIGCONT")));
  await reloaded;
  await alice.online();
  await alice.sees("said");
  const row = (text) => async () => (await alice.rows()).find((one) => one.text === text);
  await until("it is known what became of it", async () => ["sent", "failed"].includes((await row("on its way")())?.state));
  if ((await row("on its way")()).state === "failed") {
    await alice.row("on its way", "failed").locator('[data-act="retry"]').click();
    await alice.sees("on its way", "sent");
  }
  const red = await row("red")();
  assert.deepEqual([red.state, red.reason, red.clientId], ["failed", "Not sent: nowhere is not here.", before[0].clientId]);
  assert.deepEqual(await alice.texts(), ["red", "said", "on its way"]);
  assert.deepEqual([await alice.page.inputValue("#text"), await alice.page.textContent("#receiver-text")], ["half a sent", "Private to ben"]);
  await alice.page.press("#text", "Enter");
  await until("he has it", () => bob.texts().length >= 3);
  assert.deepEqual(bob.texts(), ["said", "on its way", "half a sent"]);
});

test("what waited for the network is sent after a reload, once, with its client_id", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Asta");
  const bob = await peer(t, "bo");
  alice.expect(...BROKEN);
  await alice.context.setOffline(true);
  await alice.page.waitForSelector('#connection[data-state="offline"]');
  await alice.say("from the tunnel");
  await alice.sees("from the tunnel", "waiting");
  const [{ clientId }] = await alice.rows();
  /* The network is back for the reload: the page of before does not get through. */
  await alice.page.evaluate(() => { WebSocket.prototype.send = () => {}; });
  await alice.context.setOffline(false);
  await alice.page.reload();
  await alice.sees("from the tunnel", "sent");
  await until("he has it", () => bob.texts().length > 0);
  await alice.say("done");
  await until("he has that", () => bob.texts().length > 1);
  assert.deepEqual(bob.texts(), ["from the tunnel", "done"]);
  assert.equal((await alice.rows())[0].clientId, clientId);
});

test("signing out forgets it all, and nobody else finds it", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Ava");
  await alice.say("@nowhere red");
  await alice.sees("red", "failed");
  await alice.page.fill("#text", "a secret");
  await reload(alice);
  await alice.sees("red", "failed");
  const kept = () => alice.page.evaluate(() => JSON.stringify({ ...sessionStorage }));
  assert.equal(await kept(), "{}", "it is in the page again");
  await alice.signOut();
  await alice.page.reload();
  await alice.page.waitForSelector("#sign-in:not([hidden])");
  assert.equal(await kept(), "{}");
  await alice.signIn("Bela");
  assert.deepEqual([await alice.texts(), await alice.page.inputValue("#text")], [[], ""]);
});

/* As the browser tells the page when another tab is looked at. */
const look = (person, isHidden) => person.page.evaluate((hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}, isHidden);

test("out of sight it is kept up to date, in sight nothing is, and after a logout elsewhere neither", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Alva");
  const kept = async () => JSON.parse(await alice.page.evaluate(() => sessionStorage.getItem("parley.kept")) ?? "null");
  const unsent = async () => (await kept())?.unsent.map(({ text }) => text);
  await alice.say("@nowhere red");
  await alice.sees("red", "failed");
  await alice.page.fill("#text", "half");
  assert.equal(await kept(), null);
  await look(alice, true);
  assert.deepEqual([await unsent(), (await kept()).draft.text], [["red"], "half"]);
  const peer = await connect(stack.gateway(1), { token: (await user(stack.door, "Nowhere")).token });
  t.after(() => peer.close());
  await alice.page.evaluate(() => document.querySelector('[data-act="retry"]').click());
  await alice.sees("red", "sent");
  assert.deepEqual(await unsent(), [], "what has been sent meanwhile is not kept");
  await look(alice, false);
  assert.equal(await kept(), null);
  await look(alice, true);
  assert.equal((await kept()).draft.text, "half");
  const cookie = (await alice.context.cookies()).find(({ name }) => name === "session");
  await logout(stack.door, "Alva", cookie.value);
  await alice.page.waitForSelector("#sign-in:not([hidden])");
  assert.equal(await kept(), null);
});

stack.lastTest();

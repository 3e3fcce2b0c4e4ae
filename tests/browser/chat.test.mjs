/* chat.test.mjs - two people on two gateways talk: group, private, order, own messages confirmed */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* Whoever reloads the page or loses the network must be back within the grace period, on a busy machine too. */
const TEXT_MAX = 5000; /* not what it would be if nobody said it */
const stack = useStack({ GRACE_S: "6", MESSAGE_MAX_BYTES: `${TEXT_MAX}` });
const scene = useBrowser();

test("the group: everybody sees it once, in one order, whoever wrote it", async (t) => {
  const [alice, bob] = await scene(t).two(stack, "Alice", "Bob", { viewport: { width: 1280, height: 1800 } });
  for (let i = 0; i < 10; i++) {
    await Promise.all([alice.say(`a${i}`), bob.say(`b${i}`)]);
  }
  await until("all is confirmed", async () => (await Promise.all([alice, bob].map((p) => p.rows()))).every((rows) => rows.length === 20 && rows.every(({ state }) => state === "sent")));
  const [atAlice, atBob] = [await alice.rows(), await bob.rows()];
  assert.deepEqual(atAlice.map(({ text }) => text), atBob.map(({ text }) => text));
  const ids = atAlice.map(({ messageId }) => Number(messageId));
  assert.deepEqual(ids, [...new Set(ids)].sort((x, y) => x - y));
  assert.ok(atAlice.every(({ own, text }) => own === text.startsWith("a")));
  await alice.shot("group");
});

test("an own message is there at once, grey, and becomes normal with its echo", async (t) => {
  const alice = await scene(t).enter(stack, "Anna");
  /* Every state that its row has had. */
  await alice.page.evaluate(() => {
    window.states = [];
    new MutationObserver(() => {
      const row = document.querySelector('#messages .row[data-kind="message"]');
      const said = row && `${row.dataset.state} ${getComputedStyle(row.querySelector(".bubble")).backgroundColor}`;
      if (said && window.states.at(-1) !== said) { window.states.push(said); }
    }).observe(document.getElementById("messages"), { subtree: true, childList: true });
  });
  /* The answer comes only when we say so: nothing leaves the gateways meanwhile. */
  await Promise.all(["gateway-1", "gateway-2"].map((name) => stack.signal(name, "SIGSTOP")));
  await alice.say("is it grey?");
  await alice.sees("is it grey?", "sending");
  await Promise.all(["gateway-1", "gateway-2"].map((name) => stack.signal(name, "SIGCONT")));
  await alice.sees("is it grey?", "sent");
  const states = await alice.page.evaluate(() => window.states);
  assert.deepEqual(states.map((said) => said.split(" ")[0]), ["sending", "sent"]);
  assert.notEqual(states[0].split(" ").slice(1).join(), states[1].split(" ").slice(1).join(), "it looks different");
});

/* Holds back what the server says, as long as isHeld. */
async function held(person) {
  const line = { isHeld: false, kept: [] };
  await person.page.routeWebSocket(/socket\.io/, (ws) => {
    const server = ws.connectToServer();
    server.onMessage((message) => (line.isHeld && !/^[0-3]/.test(message) ? line.kept.push(() => ws.send(message)) : ws.send(message)));
  });
  await person.page.reload(); /* from then on */
  line.release = () => { line.isHeld = false; line.kept.splice(0).forEach((send) => send()); };
  return line;
}

test("no answer in 5 s: red, with that reason; an answer that comes late makes it normal, once", async (t) => {
  const alice = await scene(t).open(stack.door);
  const line = await held(alice);
  await alice.signIn("Agnes");
  line.isHeld = true;
  await alice.say("slow");
  await alice.sees("slow", "sending");
  await alice.sees("slow", "failed");
  assert.match((await alice.rows())[0].reason, /no answer/);
  line.release();
  await alice.sees("slow", "sent");
  assert.deepEqual(await alice.texts(), ["slow"]);
});

test("red, retried, and only then both answers come: shown once, delivered once", async (t) => {
  const s = scene(t);
  const alice = await s.open(stack.door);
  const line = await held(alice);
  await alice.signIn("Alba");
  const bob = await s.enter(stack, "Bo");
  line.isHeld = true;
  await alice.say("@bo twice?");
  await bob.sees("twice?");
  await alice.sees("twice?", "failed");
  await alice.row("twice?", "failed").locator('[data-act="retry"]').click();
  await alice.sees("twice?", "sending");
  await until("it is answered again", () => line.kept.length >= 3);
  line.release();
  await alice.sees("twice?", "sent");
  await alice.say("@bo done");
  await bob.sees("done");
  assert.deepEqual([await alice.texts(), await bob.texts()], [["twice?", "done"], ["twice?", "done"]]);
});

test("private: @name, only the two see it, with from and to", async (t) => {
  const s = scene(t);
  const [alice, bob] = await s.two(stack, "Amy", "Ben");
  const carol = await s.enter(stack, "Cleo");
  await until("she knows Ben", async () => (await alice.users()).includes("Ben"));
  await alice.page.fill("#text", "@ben psst");
  assert.equal(await alice.page.textContent("#receiver-text"), "Private to ben");
  await alice.page.press("#text", "Enter");
  await alice.sees("psst", "sent");
  await bob.sees("psst");
  const [mine] = await alice.rows();
  assert.deepEqual([mine.private, mine.own, mine.label], [true, true, "Private to Ben"]);
  const [got] = await bob.rows();
  assert.deepEqual([got.private, got.own, got.sender, got.label], [true, false, "Amy", "Private to you"]);
  await bob.say("to all");
  await carol.sees("to all");
  assert.deepEqual(await carol.texts(), ["to all"]);
});

test("private: a click on a name in the list; Escape goes back to everybody", async (t) => {
  const [alice, bob] = await scene(t).two(stack, "Ada", "Bea");
  await alice.page.click('#users [data-name="Bea"]');
  assert.equal(await alice.page.textContent("#receiver-text"), "Private to Bea");
  assert.equal(await alice.page.evaluate(() => document.activeElement.id), "text");
  await alice.page.keyboard.type("one");
  await alice.page.keyboard.press("Enter");
  await alice.page.keyboard.type("two");
  await alice.page.keyboard.press("Enter");
  await bob.sees("two");
  assert.deepEqual((await bob.rows()).map((row) => row.private), [true, true], "it stays so until it is changed");
  await alice.page.keyboard.press("Escape");
  assert.equal(await alice.page.isVisible("#receiver"), false);
  await alice.say("three");
  await bob.sees("three");
  assert.equal((await bob.rows()).at(-1).private, false);
  await alice.shot("private");
});

test("to somebody who is not there: red, in words; retry keeps the client_id and works when he is", async (t) => {
  const alice = await scene(t).enter(stack, "Ann");
  await alice.say("@nobody are you there?");
  await alice.sees("are you there?", "failed");
  const [red] = await alice.rows();
  assert.match(red.reason, /nobody is not here/);
  assert.ok(red.clientId.length > 0);
  await alice.shot("red");
  const nobody = await user(stack.door, "nobody");
  const peer = await connect(stack.gateway(1), { token: nobody.token });
  await alice.row("are you there?", "failed").locator('[data-act="retry"]').click();
  await alice.sees("are you there?", "sent");
  const { data } = await peer.waitFor("message_in");
  assert.equal(data.message_text, "are you there?");
  assert.deepEqual((await alice.rows()).map(({ clientId, reason }) => [clientId, reason]), [[red.clientId, undefined]]);
  peer.close();
});

test("red ones can be edited and discarded", async (t) => {
  const alice = await scene(t).enter(stack, "Abby");
  await alice.say("@nowhere first");
  await alice.say("@nowhere second");
  await until("both are red", async () => (await alice.rows()).filter(({ state }) => state === "failed").length === 2);
  assert.equal(await alice.page.textContent("#failed-count"), "2 messages were not sent.");
  await alice.row("first", "failed").locator('[data-act="discard"]').click();
  await until("it is gone", async () => (await alice.texts()).join() === "second");
  assert.equal(await alice.page.isVisible("#failed-bar"), false);
  await alice.row("second", "failed").locator('[data-act="edit"]').click();
  assert.equal(await alice.page.inputValue("#text"), "@nowhere second");
  assert.deepEqual(await alice.texts(), []);
  await alice.say("to all instead");
  await alice.sees("to all instead", "sent");
});

test("too long: told while it is typed, red with what helps: to edit or to discard; never to retry", async (t) => {
  const alice = await scene(t).enter(stack, "Asli");
  const left = async () => (await alice.page.isVisible("#bytes") ? alice.page.textContent("#bytes") : undefined);
  await alice.page.fill("#text", `@asli ${"x".repeat(TEXT_MAX - 401)}`);
  assert.equal(await left(), undefined);
  await alice.page.fill("#text", `@asli ${"x".repeat(TEXT_MAX - 4)}é€`);
  assert.equal(await left(), "1 byte too long");
  await alice.page.fill("#text", "ä".repeat(TEXT_MAX / 2));
  assert.equal(await left(), "0 bytes left");
  await alice.page.press("#text", "Enter");
  await alice.sees("ä".repeat(TEXT_MAX / 2), "sent");
  assert.equal(await left(), undefined);
  for (const text of ["y".repeat(TEXT_MAX + 1), "z".repeat(TEXT_MAX + 904)]) {
    await alice.say(text);
    await alice.sees(text, "failed");
  }
  await alice.say("@nowhere again");
  await alice.sees("again", "failed");
  const acts = (text) => alice.row(text, "failed").locator("[data-act]").evaluateAll((all) => all.map((one) => one.dataset.act));
  assert.deepEqual([await acts("z".repeat(TEXT_MAX + 904)), await acts("again")], [["edit", "discard"], ["retry", "edit", "discard"]]);
  assert.match((await alice.rows()).find(({ text }) => text.startsWith("z")).reason, /too long/);
  assert.equal(await alice.page.isVisible("#failed-bar"), false, "one alone may be sent again");
  await alice.row("z".repeat(TEXT_MAX + 904), "failed").locator('[data-act="edit"]').click();
  assert.equal(await left(), "904 bytes too long");
  await alice.shot("too-long");
  await alice.page.fill("#text", "short");
  await alice.page.press("#text", "Enter");
  await alice.sees("short", "sent");
});

test("a second tab shows what the first wrote, as one's own", async (t) => {
  const alice = await scene(t).enter(stack, "Ava");
  const second = await alice.tab();
  await alice.online(second);
  await alice.say("from the first");
  await alice.sees("from the first", "sent", second);
  await alice.say("from the second", second);
  await alice.sees("from the second", "sent");
  for (const page of [alice.page, second]) {
    assert.deepEqual((await alice.rows(page)).map(({ text, own }) => [text, own]), [["from the first", true], ["from the second", true]]);
  }
});

test("the list of users is live: joining, leaving, never gone within the grace period; announced in one quiet line", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Alma");
  const names = ["zac", "zed", "zoe", "zula"];
  const peers = await Promise.all(names.map(async (name) => {
    const { token } = await user(stack.door, name);
    return connect(stack.gateway(1), { token });
  }));
  await until("they are in the list, in order", async () => (await alice.users()).join().endsWith("zac,zed,zoe,zula"));
  await until("they are counted", async () => Number(await alice.page.textContent("#user-count")) === (await alice.users()).length);
  await until("it is said in one line", async () => (await alice.notes()).some((note) => /z\w+, z\w+ and \d others joined/.test(note)));
  const closedAt = performance.now();
  peers.forEach((peer) => peer.close());
  await until("one is gone", async () => (await alice.users()).filter((name) => names.includes(name)).length < names.length);
  const tookMs = performance.now() - closedAt;
  assert.ok(tookMs >= stack.graceMs, `within the grace period nobody is gone: ${tookMs} ms`);
  await until("they are gone", async () => !(await alice.users()).some((name) => name.startsWith("z")));
  await until("and nothing was said of those who only came and went", async () => !(await alice.notes()).some((note) => /joined/.test(note)));
});

test("German, if the browser prefers it", async (t) => {
  const anke = await scene(t).open(stack.door, { locale: "de-DE" });
  await anke.page.waitForSelector("#sign-in:not([hidden])");
  assert.equal(await anke.page.getAttribute("html", "lang"), "de");
  assert.equal(await anke.page.textContent("#sign-in-button"), "Anmelden");
  await anke.signIn("Anke");
  assert.equal(await anke.page.getAttribute("#text", "placeholder"), "An alle schreiben");
  await anke.shot("german");
});

stack.lastTest();

/* sign_in.test.mjs - signing in and out in the page, and every reason why not, in words */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, logout, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const stack = useStack({ GRACE_S: "6", LEASE_MS: "2000" });
const scene = useBrowser();

const error = (person) => person.page.textContent("#sign-in-error");
const isShown = (person, id) => person.page.isVisible(`#${id}`);
const tryName = async (person, name) => {
  await person.page.fill("#name", name);
  await person.page.click("#sign-in-button");
};

test("the form comes first, with the focus in it; a name leads to the chat", async (t) => {
  const alice = await scene(t).open(stack.door);
  await alice.page.waitForSelector("#sign-in:not([hidden])");
  assert.equal(await isShown(alice, "chat"), false);
  assert.equal(await alice.page.evaluate(() => document.activeElement.id), "name");
  await alice.shot("sign-in");
  await alice.page.keyboard.type("Alice");
  await alice.page.keyboard.press("Enter");
  await alice.online();
  assert.deepEqual([await isShown(alice, "chat"), await isShown(alice, "sign-in"), await alice.page.textContent("#my-name")], [true, false, "Alice"]);
  assert.equal(await alice.page.evaluate(() => document.activeElement.id), "text");
  assert.equal(await alice.page.textContent("#connection-text"), "Online");
  await until("the list", async () => (await alice.users()).join() === "Alice");
});

test("a service that is slow to say who one is: the page says that it connects, and enters when it knows", async (t) => {
  const amir = await scene(t).enter(stack, "Amir");
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await amir.page.route("**/session", (route) => held.then(() => route.continue()));
  await amir.page.reload();
  await until("it says so", async () => (await amir.page.textContent("#sign-in-notice")) === "Connecting…");
  assert.equal(await isShown(amir, "sign-in"), true);
  release();
  await amir.online();
  assert.equal(await amir.page.textContent("#my-name"), "Amir");
});

test("no token is where scripts could read it", async (t) => {
  const alice = await scene(t).enter(stack, "tokenless");
  const seen = await alice.page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML.length]));
  assert.match(seen, /^\["",\{\},\{\},\d+\]$/);
});

test("a reload and a second tab keep the session; signing out ends both", async (t) => {
  const bob = await scene(t).enter(stack, "Bob");
  await bob.page.reload();
  await bob.online();
  assert.equal(await bob.page.textContent("#my-name"), "Bob");
  const second = await bob.tab();
  await bob.online(second);
  assert.equal(await second.textContent("#my-name"), "Bob");
  await bob.signOut();
  assert.match(await bob.page.textContent("#sign-in-notice"), /^You have signed out\.$/);
  await second.waitForSelector("#sign-in:not([hidden])");
  assert.match(await second.textContent("#sign-in-notice"), /^You were signed out elsewhere\.$/);
  await bob.page.reload();
  await bob.page.waitForSelector("#sign-in:not([hidden])");
  await bob.signIn("Bob");
});

test("a name that is not allowed: the page says so, and lets one go on typing", async (t) => {
  const somebody = await scene(t).open(stack.door);
  for (const name of ["two words", "-dash", "ä", "<b>x</b>", "group", "admin", "a/b", "../session", ".", "%41"]) {
    await tryName(somebody, name);
    await until(`it says so of ${JSON.stringify(name)}`, async () => /not allowed/.test(await error(somebody)));
    assert.equal(await somebody.page.getAttribute("#name", "aria-invalid"), "true");
    assert.equal(await isShown(somebody, "chat"), false);
    await somebody.page.fill("#name", "other");
    assert.equal(await error(somebody), "", "what is typed next is not judged before it is sent");
  }
  for (const nothing of ["", "   "]) {
    await tryName(somebody, nothing);
    await until("it asks for one", async () => (await error(somebody)) === "Please type a name.");
    await somebody.page.fill("#name", "other");
  }
});

test("a name that is online is taken: no time to wait, another name works", async (t) => {
  const s = scene(t);
  await s.enter(stack, "Carol");
  const other = await s.open(stack.door);
  await tryName(other, "cAROL");
  await until("it says so", async () => (await error(other)).startsWith("cAROL is online already."));
  assert.equal(await other.page.isEnabled("#sign-in-button"), true);
  await other.shot("sign-in-taken");
  await tryName(other, "Carol2");
  await other.online();
});

test("a name in its grace period: the remaining time counts down, then the button works", async (t) => {
  const dave = await user(stack.door, "dave");
  const peer = await connect(stack.gateway(1), { token: dave.token });
  const other = await scene(t).open(stack.door);
  await other.page.waitForSelector("#sign-in:not([hidden])");
  peer.close();
  await until("dave is in grace", async () => Number(await stack.redis("TTL", "{chat}:grace:dave")) > 0);
  await tryName(other, "dave");
  await until("it counts", async () => /dave is taken\. The name may be free in \d seconds?\./.test(await error(other)));
  const first = Number(/\d+/.exec(await error(other))[0]);
  assert.ok(first >= 1 && first <= 6, `${first}`);
  const aloud = await other.page.textContent("#alarm");
  assert.equal(await other.page.isDisabled("#sign-in-button"), true);
  await until("it counts down", async () => (Number(/\d+/.exec(await error(other))?.[0]) || 0) < first);
  assert.equal(await other.page.textContent("#alarm"), aloud, "it is said aloud once, not every second");
  await until("the time is over", async () => /may be free now/.test(await error(other)));
  assert.equal(await other.page.textContent("#sign-in-button"), "Try again");
  await until("he gets in", async () => {
    if (await other.page.isEnabled("#sign-in-button")) {
      await other.page.click("#sign-in-button").catch(() => {});
    }
    return isShown(other, "chat");
  });
  await other.online();
});

test("kicked by the operator: said in words", async (t) => {
  const eve = await scene(t).enter(stack, "Eve");
  await stack.operator("FCALL", "parley_kick", "1", "{chat}:", "Eve");
  await eve.page.waitForSelector("#sign-in:not([hidden])");
  assert.match(await eve.page.textContent("#sign-in-notice"), /by the operator/);
  assert.deepEqual(await eve.rows(), [], "nothing of the session is left");
});

test("the session lapses while the network is away: what was unsent is there again after signing in, for that user alone", async (t) => {
  const s = scene(t);
  const people = [await s.enter(stack, "Finn"), await s.enter(stack, "Greta")];
  for (const person of people) {
    person.expect(/ERR_INTERNET_DISCONNECTED/, /WebSocket connection to .* failed/);
    await person.say("@nowhere red");
    await person.sees("red", "failed");
    await person.context.setOffline(true);
    await person.page.waitForSelector('#connection[data-state="offline"]');
    await person.say("from the tunnel");
    await person.page.fill("#text", "a draft");
  }
  await until("both are gone", async () => (await stack.redis("EXISTS", "{chat}:user:finn", "{chat}:user:greta")) === "0");
  for (const person of people) {
    await person.context.setOffline(false);
    await person.page.waitForSelector("#sign-in:not([hidden])");
    assert.match(await person.page.textContent("#sign-in-notice"), /(session is over|not signed in any more)/);
  }
  const [finn, other] = people;
  await finn.page.press("#name", "Enter"); /* his name is there already */
  await finn.online();
  await until("both are red", async () => (await finn.rows()).filter(({ state }) => state === "failed").length === 2);
  assert.deepEqual((await finn.rows()).map(({ text, reason }) => [text, reason]), [["red", "Not sent: your session is over."], ["from the tunnel", "Not sent: your session is over."]]);
  assert.equal(await finn.page.inputValue("#text"), "a draft");
  await finn.row("from the tunnel", "failed").locator('[data-act="retry"]').click();
  await finn.sees("from the tunnel", "sent");
  await other.signIn("Gudrun");
  assert.deepEqual([(await other.texts()).includes("red"), await other.page.inputValue("#text")], [false, ""], "nothing is left for somebody else");
});

test("the session lapses while the page is away: what it kept is red after signing in, for that user alone", async (t) => {
  const s = scene(t);
  const people = [await s.enter(stack, "Gero"), await s.enter(stack, "Gesa")];
  for (const person of people) {
    await person.say("@nowhere red");
    await person.sees("red", "failed");
    await person.page.fill("#text", "a draft");
    await person.page.goto("about:blank");
  }
  await until("both are gone", async () => (await stack.redis("EXISTS", "{chat}:user:gero", "{chat}:user:gesa")) === "0");
  for (const person of people) {
    await person.page.goto(stack.door);
  }
  const [gero, other] = people;
  await gero.signIn("gero");
  assert.deepEqual((await gero.rows()).map(({ text, reason }) => [text, reason]), [["red", "Not sent: your session is over."]]);
  assert.equal(await gero.page.inputValue("#text"), "a draft");
  await other.signIn("Gudula");
  assert.deepEqual([await other.texts(), await other.page.inputValue("#text")], [[], ""]);
  assert.equal(await other.page.evaluate(() => JSON.stringify({ ...sessionStorage })), "{}");
});

test("signed out elsewhere (another program with the same token): said in words", async (t) => {
  const s = scene(t);
  const fay = await s.enter(stack, "Fay");
  const cookie = (await fay.context.cookies()).find(({ name }) => name === "session");
  await logout(stack.door, "Fay", cookie.value);
  await fay.page.waitForSelector("#sign-in:not([hidden])");
  assert.match(await fay.page.textContent("#sign-in-notice"), /^You were signed out elsewhere\.$/);
});

test("another sign-in in the same browser is noticed: said, and the page starts over", async (t) => {
  const s = scene(t);
  const gus = await s.enter(stack, "Gus");
  await gus.say("from Gus");
  await gus.sees("from Gus", "sent");
  await gus.page.evaluate(() => fetch("/login/Hal"));
  await gus.page.evaluate(() => dispatchEvent(new Event("focus")));
  await until("he is Hal", async () => (await gus.page.textContent("#my-name")) === "Hal");
  await gus.online();
  await until("it is said", async () => (await gus.notes()).some((note) => /Hal has signed in/.test(note)));
  assert.deepEqual(await gus.texts(), []);
});

test("the service is away: said in words, with the time", async (t) => {
  const ida = await scene(t).open(stack.door);
  await stack.signal("redis", "SIGKILL");
  await until("nobody is ready", () => stack.noneReady());
  await tryName(ida, "Ida");
  await until("it says so", async () => /service is not available/.test(await error(ida)));
  await stack.restartRedis();
  await until("she gets in", async () => {
    if (await ida.page.isEnabled("#sign-in-button")) {
      await ida.page.click("#sign-in-button").catch(() => {});
    }
    return isShown(ida, "chat");
  }, { timeout: 60_000, every: 200 });
  await ida.online();
});

stack.lastTest();

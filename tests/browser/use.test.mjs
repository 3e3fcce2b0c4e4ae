/* use.test.mjs - writing by keyboard, finding one's way, being called back: what people do all day */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* Whoever reloads the page or loses the network must be back within the grace period, on a busy machine too. */
const stack = useStack({ GRACE_S: "6" });
const scene = useBrowser();

/* Somebody without a page. */
async function peer(t, name) {
  const { token } = await user(stack.door, name);
  const one = await connect(stack.gateway(1), { token });
  t.after(() => one.close());
  return one;
}

/* Zones in which midnight is far: two of these three, whatever time it is. */
const ZONES = ["Asia/Tokyo", "Europe/Berlin", "America/New_York"].filter((timeZone) => {
  const hour = new Intl.DateTimeFormat("en-GB", { hour: "numeric", hourCycle: "h23", timeZone }).format();
  return hour >= 1 && hour < 23;
});

const value = (person) => person.page.inputValue("#text");
const focused = (person) => person.page.evaluate(() => document.activeElement.id);

/* Looks elsewhere, or back: headless windows believe otherwise that they always have the focus. */
async function lookAway(person) {
  const session = await person.context.newCDPSession(person.page);
  const other = await person.context.newPage();
  await session.send("Emulation.setFocusEmulationEnabled", { enabled: false });
  await other.bringToFront();
  await until("the page is out of sight", () => person.page.evaluate(() => !document.hasFocus() || document.hidden));
  return async () => {
    await other.close();
    await person.page.bringToFront();
    await session.send("Emulation.setFocusEmulationEnabled", { enabled: true });
  };
}

/* The first, so that nobody comes or goes: that, too, would have the days written anew. */
test("at midnight, today becomes yesterday", async (t) => {
  const alice = await scene(t).open(stack.door, { timezoneId: ZONES[0] });
  alice.expect(/WebSocket/);
  const midnight = await alice.page.evaluate(() => new Date().setHours(24, 0, 0, 0));
  await alice.page.clock.install({ time: midnight - 5000 });
  await alice.page.reload();
  await alice.signIn("Alek");
  await alice.say("late");
  await alice.sees("late", "sent");
  const day = () => alice.page.textContent("#messages .day >> nth=0"); /* a busy machine may lose the connection, which is noted today */
  assert.match(await day(), /^(Today|Yesterday)$/);
  await alice.page.clock.fastForward(5000);
  await until("it is yesterday", async () => (await day()) === "Yesterday");
});

test("Enter sends, Shift+Enter begins a line, nothing but spaces is not sent", async (t) => {
  const alice = await scene(t).enter(stack, "Alice");
  await alice.page.focus("#text");
  const height = (await alice.page.locator("#text").boundingBox()).height;
  assert.equal(await alice.page.isDisabled("#send"), true);
  await alice.page.keyboard.type("   ");
  await alice.page.keyboard.press("Enter");
  await alice.page.keyboard.press("Control+A");
  await alice.page.keyboard.type("first line");
  await alice.page.keyboard.press("Shift+Enter");
  await alice.page.keyboard.type("second line");
  assert.equal(await value(alice), "first line\nsecond line");
  assert.ok((await alice.page.locator("#text").boundingBox()).height > height, "the box grows with it");
  await alice.page.keyboard.press("Enter");
  assert.equal(await value(alice), "");
  assert.equal((await alice.page.locator("#text").boundingBox()).height, height, "and is small again");
  await until("it is sent", async () => (await alice.rows()).at(-1)?.state === "sent");
  assert.deepEqual(await alice.texts(), ["first line\nsecond line"]);
  const lines = await alice.page.$eval("#messages .text", (p) => p.getBoundingClientRect().height / parseFloat(getComputedStyle(p).lineHeight));
  assert.equal(Math.round(lines), 2, "and both lines are shown");
});

test("arrow up takes back what is not sent, the latest first, and never touches what is sent or typed", async (t) => {
  const alice = await scene(t).enter(stack, "Anne");
  await alice.say("it is sent");
  await alice.sees("it is sent", "sent");
  await alice.page.press("#text", "ArrowUp");
  assert.equal(await value(alice), "");
  await alice.say("@nowhere red one");
  await alice.sees("red one", "failed");
  await alice.say("@nowhere red two");
  await alice.sees("red two", "failed");
  await alice.page.fill("#text", "typed");
  await alice.page.press("#text", "ArrowUp");
  assert.equal(await value(alice), "typed");
  await alice.page.fill("#text", "");
  await alice.page.press("#text", "ArrowUp");
  assert.equal(await value(alice), "@nowhere red two");
  await until("it is not shown any more", async () => (await alice.texts()).join() === "it is sent,red one");
  await alice.page.keyboard.type(", better");
  assert.equal(await value(alice), "@nowhere red two, better", "the cursor is at its end");
});

test("@ offers names: arrows choose, Tab takes, Escape leaves what is typed; Escape again goes back to everybody", async (t) => {
  const alice = await scene(t).enter(stack, "Aron");
  const [, carla] = await Promise.all(["carl", "carla", "Doro"].map((name) => peer(t, name)));
  await until("they are there", async () => (await alice.users()).filter((name) => ["Aron", "carl", "carla", "Doro"].includes(name)).length === 4);
  await alice.page.focus("#text");
  await alice.page.keyboard.type("@CA");
  const offers = () => alice.page.$$eval("#completions:not([hidden]) [role=option]", (all) => all.map((one) => `${one.dataset.name}${one.ariaSelected === "true" ? "*" : ""}`));
  assert.deepEqual(await offers(), ["carl*", "carla"]);
  await alice.page.keyboard.press("ArrowDown");
  assert.deepEqual(await offers(), ["carl", "carla*"]);
  assert.equal(await alice.page.getAttribute("#text", "aria-activedescendant"), "completion-1");
  await alice.page.keyboard.press("Tab");
  assert.equal((await value(alice)).trim(), "@carla");
  assert.deepEqual([await focused(alice), await offers()], ["text", []]);
  await alice.page.keyboard.type("hello you");
  await alice.page.keyboard.press("Enter");
  assert.equal((await carla.waitFor("message_in")).data.message_text, "hello you");
  await alice.page.keyboard.type("@d");
  assert.deepEqual(await offers(), ["Doro*"]);
  await alice.page.keyboard.press("Escape");
  assert.deepEqual([await value(alice), await offers()], ["@d", []]);
  await alice.page.fill("#text", "kept");
  await alice.page.click('#users [data-name="carl"]');
  assert.equal(await alice.page.isVisible("#receiver"), true);
  await alice.page.keyboard.press("Escape");
  assert.deepEqual([await alice.page.isVisible("#receiver"), await value(alice), await focused(alice)], [false, "kept", "text"]);
});

async function scrollUp(person) {
  await person.drawn();
  await person.page.hover("#messages");
  await person.page.mouse.wheel(0, -600);
  await person.page.waitForSelector("#new-messages:not([hidden])");
}

test("scrolled up: the place is kept, the number of new ones is told, a click leads to them", async (t) => {
  const alice = await scene(t).enter(stack, "Aleksa", { viewport: { width: 900, height: 500 } });
  const bob = await peer(t, "bob");
  const button = () => alice.page.textContent("#new-messages");
  for (let i = 0; i < 40; i++) {
    await bob.say("group", `line ${i}`);
  }
  await alice.sees("line 39");
  assert.equal(await alice.page.isVisible("#new-messages"), false, "who is at the end stays there");
  await scrollUp(alice);
  assert.equal(await button(), "To the newest");
  const before = await alice.middle("messages");
  for (const i of [1, 2, 3]) {
    await bob.say("group", `new ${i}`);
  }
  await until("it is told", async () => (await button()) === "3 new messages");
  assert.equal(await alice.middle("messages"), before, "nothing moved");
  await alice.shot("scrolled-up");
  await alice.page.click("#new-messages");
  await alice.sees("new 3");
  await until("the button goes", () => alice.page.isHidden("#new-messages"));
  await scrollUp(alice);
  assert.equal(await button(), "To the newest", "what was seen is not new again");
  await alice.say("mine");
  await alice.sees("mine", "sent");
  await until("who writes is at the end", () => alice.page.isHidden("#new-messages"));
});

/* The days that are named there, and the one that is named last above the message with that text.
 * A line may stand between them that tells who came, with the reader's own time. */
const days = (person) => person.page.$$eval("#messages .day", (all) => all.map((day) => day.textContent));
const dayOf = (person, text) => person.page.$$eval("#messages .row", (rows, wanted) => {
  const end = rows.findIndex((row) => row.querySelector(".text")?.textContent === wanted);
  return rows.slice(0, end + 1).findLast((row) => row.querySelector(".day"))?.querySelector(".day").textContent;
}, text);

test("days: a line between them, in words; times in the reader's own zone", async (t) => {
  const s = scene(t);
  const alice = await s.open(stack.door, { timezoneId: ZONES[0] });
  await alice.page.clock.setFixedTime(Date.now() + 24 * 3600_000); /* for her it is tomorrow */
  await alice.page.reload();
  await alice.signIn("Aki");
  const anke = await s.enter(stack, "Anke2", { locale: "de-DE", timezoneId: ZONES[1] });
  const bob = await peer(t, "bert");
  await bob.say("group", "said yesterday");
  await alice.sees("said yesterday");
  alice.expect(/WebSocket|ERR_INTERNET_DISCONNECTED/);
  await alice.context.setOffline(true);
  await alice.page.waitForSelector('#connection[data-state="offline"]');
  await alice.say("written today");
  await alice.sees("written today", "waiting");
  assert.deepEqual([await dayOf(alice, "said yesterday"), await dayOf(alice, "written today")], ["Yesterday", "Today"]);
  assert.ok((await days(alice)).every((day, i, all) => day !== all[i - 1]), "none is named twice");
  await anke.sees("said yesterday");
  assert.deepEqual(await days(anke), ["Heute"], "in German");
  for (const [person, locale, timeZone] of [[alice, "en-GB", ZONES[0]], [anke, "de-DE", ZONES[1]]]) {
    const { text, iso } = await person.row("said yesterday").locator("time").evaluate((time) => ({ text: time.textContent, iso: time.dateTime }));
    assert.equal(text, new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", timeZone }).format(new Date(iso)));
  }
  await alice.context.setOffline(false);
  await alice.sees("written today", "sent");
});

test("who looks elsewhere: a count in the title, a notification and a sound, if wanted; none while looking", async (t) => {
  const alice = await scene(t).open(stack.door);
  await alice.context.grantPermissions(["notifications"], { origin: new URL(stack.door).origin });
  /* The real ones, written down when they are shown. */
  await alice.page.addInitScript(() => {
    window.told = [];
    window.Notification = class extends window.Notification {
      constructor(title, options) {
        super(title, options);
        this.addEventListener("show", () => window.told.push([title, options.body]));
        this.addEventListener("error", () => window.told.push("error"));
      }
    };
    window.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...args) { window.tones++; return start.apply(this, args); };
  });
  await alice.page.reload();
  await alice.signIn("Ada");
  const bob = await peer(t, "ben");
  const title = () => alice.page.title();
  const told = () => alice.page.evaluate(() => window.told);
  const tones = () => alice.page.evaluate(() => window.tones);

  let back = await lookAway(alice);
  await bob.say("group", "one");
  await until("it is counted", async () => (await title()) === "(1) Parley");
  assert.deepEqual([await told(), await tones()], [[], 0], "nobody asked for more");
  await bob.say("group", "two");
  await until("it goes on", async () => (await title()) === "(2) Parley");
  await back();
  await until("seen", async () => (await title()) === "Parley");

  await alice.page.click("#menu-button");
  await alice.page.click("#notifications");
  await alice.page.click("#sound");
  const kept = () => alice.page.evaluate(() => ["notifications", "sound"].map((name) => localStorage.getItem(`parley.${name}`)).join());
  await until("both are on", async () => (await kept()) === "on,on");
  const trial = await tones();
  assert.ok(trial > 0, "the sound is heard when it is switched on");
  await alice.page.keyboard.press("Escape");
  await bob.say("group", "while she looks");
  await alice.sees("while she looks");
  assert.deepEqual([await title(), await told(), await tones()], ["Parley", [], trial]);
  back = await lookAway(alice);
  await bob.say("Ada", "psst <b>");
  await until("it is told", async () => (await told()).length > 0);
  assert.deepEqual(await told(), [["ben, privately", "psst <b>"]]);
  assert.ok((await tones()) > trial);
  await back();
  await alice.page.reload();
  await alice.online();
  await alice.page.click("#menu-button");
  assert.deepEqual([await alice.page.isChecked("#notifications"), await alice.page.isChecked("#sound")], [true, true], "it is kept");
});

test("notifications that the browser does not allow: said, and the switch stays off", async (t) => {
  const alice = await scene(t).enter(stack, "Asa");
  await alice.page.click("#menu-button");
  await alice.page.click("#notifications");
  await until("it is said", async () => /does not allow/.test(await alice.page.textContent("#menu-hint")));
  assert.equal(await alice.page.isChecked("#notifications"), false);
});

test("within the grace period nobody has left; who comes and goes is said in one quiet line, not aloud", async (t) => {
  const alice = await scene(t).enter(stack, "Arda", { locale: "de-DE" });
  await until("she is there", async () => (await alice.users()).includes("Arda"));
  const one = await peer(t, "yuri");
  await until("it is said, in German", async () => (await alice.notes()).some((note) => /yuri ist gekommen/.test(note)));
  const closedAt = performance.now();
  one.close();
  await until("he has left", async () => !(await alice.users()).includes("yuri"));
  const tookMs = performance.now() - closedAt;
  assert.ok(tookMs >= stack.graceMs, `he was there for ${tookMs} ms`);
  assert.doesNotMatch(await alice.page.evaluate(() => document.getElementById("announcer").textContent + document.getElementById("alarm").textContent), /yuri/);
});

stack.lastTest();

/* access.test.mjs - what screen readers and keyboards get: roles, names, focus, live regions */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { useBrowser } from "../support/browser.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

/* Whoever reloads the page or loses the network must be back within the grace period, on a busy machine too. */
const stack = useStack({ GRACE_S: "6" });
const scene = useBrowser();

/* What is named in the accessibility tree, as "role name". */
async function tree(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  return nodes.filter((node) => !node.ignored).map((node) => `${node.role?.value} ${node.name?.value ?? ""}`.trim());
}
const has = (nodes, ...wanted) => wanted.forEach((line) => assert.ok(nodes.includes(line), `${line}\nis missing in\n${nodes.join("\n")}`));

test("signing in: a form whose parts have names, an error that is tied to its field", async (t) => {
  const alice = await scene(t).open(stack.door);
  await alice.page.waitForSelector("#sign-in:not([hidden])");
  has(await tree(alice.page), "main", "heading Parley", "textbox Your name", "button Sign in");
  await alice.page.fill("#name", "not a name");
  await alice.page.press("#name", "Enter");
  await until("it is told", async () => (await alice.page.textContent("#sign-in-error")).length > 0);
  assert.match(await alice.page.textContent('#alarm[role="alert"]'), /not allowed/, "and said aloud");
  const described = await alice.page.getAttribute("#name", "aria-describedby");
  assert.ok(described.split(" ").includes("sign-in-error"));
});

test("the chat: landmarks, a log of messages, a list to choose from, buttons with names", async (t) => {
  const s = scene(t);
  const [alice, bob] = await s.two(stack, "Alice", "Bob");
  await bob.say("hello to all");
  await bob.say("@alice hello to you");
  await alice.sees("hello to you");
  await alice.say("@nobody hello?");
  await alice.sees("hello?", "failed");
  await until("the list", async () => (await alice.users()).length === 2);
  const nodes = await tree(alice.page);
  assert.match(await alice.page.textContent('#alarm[role="alert"]'), /^Not sent: nobody is not here\.$/, "a red message is said at once");
  has(nodes, "banner", "main", "complementary Active now", "log Messages", "textbox Message", "button Send", "button Settings", "listbox Active users",
    "option Alice you", "option Bob", "button Retry", "button Edit", "button Discard", "form Write a message", "heading Active now 2 active users");
  assert.ok(nodes.some((line) => /StaticText Private to you/.test(line)));
  assert.ok(nodes.some((line) => /StaticText Not sent: nobody is not here\./.test(line)));
  assert.ok(!nodes.some((line) => /^(button|textbox|listbox|option|link|checkbox|switch|radio)$/.test(line)), "nothing to use is without a name");
  const sets = () => alice.page.$$eval("#messages [role=listitem]", (rows) => rows.map((row) => `${row.ariaPosInSet}/${row.ariaSetSize}`));
  const numbers = await sets();
  assert.ok(numbers.length >= 3, "three messages, and perhaps a line that Bob has come");
  assert.deepEqual(numbers, numbers.map((_, i) => `${i + 1}/${numbers.length}`));
  await until("each is an item of the list", async () => (await tree(alice.page)).filter((line) => line.startsWith("listitem")).length === (await sets()).length);
});

test("the settings: a group of radio buttons, switches; Escape closes and gives the focus back", async (t) => {
  const alice = await scene(t).enter(stack, "Ari");
  await alice.page.focus("#menu-button");
  await alice.page.keyboard.press("Enter");
  has(await tree(alice.page), "group Colours", "radio System", "radio Light", "radio Dark", "switch Sound for new messages", "switch Notifications", "button Sign out");
  assert.equal(await alice.page.getAttribute("#menu-button", "aria-expanded"), "true");
  await alice.page.keyboard.press("ArrowRight");
  await alice.page.keyboard.press("ArrowRight");
  assert.equal(await alice.page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await alice.page.keyboard.press("Escape");
  assert.deepEqual([await alice.page.isVisible("#menu"), await alice.page.evaluate(() => document.activeElement.id)], [false, "menu-button"]);
  await alice.page.reload();
  await alice.online();
  assert.equal(await alice.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark", "it is kept");
});

test("the settings: closed when the focus goes on, so that they cover nothing that has it", async (t) => {
  const alice = await scene(t).enter(stack, "Asta");
  await alice.page.click("#menu-button");
  for (const id of ["sound", "notifications", "sign-out"]) {
    await alice.page.keyboard.press("Tab");
    assert.deepEqual([await alice.page.evaluate(() => document.activeElement.id), await alice.page.isVisible("#menu")], [id, true]);
  }
  await alice.page.keyboard.press("Tab");
  assert.deepEqual([await alice.page.evaluate(() => document.activeElement.id), await alice.page.isVisible("#menu")], ["messages", false]);
  assert.equal(await alice.page.getAttribute("#menu-button", "aria-expanded"), "false");
});

test("Tab goes through the page in the order in which it is read", async (t) => {
  const alice = await scene(t).enter(stack, "Aya");
  await alice.page.evaluate(() => { document.activeElement.blur(); });
  await alice.page.fill("#text", "x");
  await alice.page.focus("#menu-button");
  const seen = [];
  for (let i = 0; i < 5; i++) {
    await alice.page.keyboard.press("Tab");
    seen.push(await alice.page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(seen, ["messages", "text", "send", "user-filter", "users"]);
});

test("the list of users by keyboard: arrows, Home, End, Enter writes to that user", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Abe");
  const names = ["bea", "cem", "dora"];
  for (const name of names) {
    const { token } = await user(stack.door, name);
    const peer = await connect(stack.gateway(1), { token });
    t.after(() => peer.close());
  }
  await until("nobody else is there any more", async () => (await alice.users()).join() === "Abe,bea,cem,dora");
  await alice.page.focus("#users");
  await alice.page.keyboard.press("End");
  const active = () => alice.page.getAttribute("#users", "aria-activedescendant");
  assert.equal(await active(), "user-dora");
  await alice.page.keyboard.press("Home");
  assert.equal(await active(), "user-Abe");
  await alice.page.keyboard.press("ArrowDown");
  assert.equal(await active(), "user-bea");
  assert.equal(await alice.page.getAttribute("#user-bea", "role"), "option", "it is in the document");
  await alice.page.keyboard.press("Enter");
  assert.equal(await alice.page.textContent("#receiver-text"), "Private to bea");
  assert.equal(await alice.page.evaluate(() => document.activeElement.id), "text");
});

test("a name that nobody has: said, seen and heard; whoever signs in next looks for nothing", async (t) => {
  const alice = await scene(t).enter(stack, "Aino");
  await until("the list", async () => (await alice.users()).includes("Aino"));
  await alice.page.fill("#user-filter", "zzz");
  await until("it is said", async () => (await alice.page.textContent('#users-none[role="status"]')) === "Nobody here is called that.");
  await alice.page.fill("#user-filter", "ain");
  assert.equal(await alice.page.textContent("#users-none"), "");
  await alice.signOut();
  await alice.signIn("Berit");
  assert.equal(await alice.page.inputValue("#user-filter"), "");
  await until("the list is whole", async () => (await alice.users()).includes("Berit"));
});

test("the same words twice are said twice; after signing out nothing that was said can be read", async (t) => {
  const alice = await scene(t).enter(stack, "Aida");
  const { token } = await user(stack.door, "Bosse");
  const bob = await connect(stack.gateway(1), { token });
  t.after(() => bob.close());
  const said = (text) => until(`"${text}" is said`, async () => (await alice.page.textContent("#announcer")) === text);
  await bob.say("Aida", "psst");
  await said("Bosse, privately: psst");
  await bob.say("Aida", "psst");
  await said("");
  await said("Bosse, privately: psst");
  await alice.say("@nobody hello?");
  await alice.sees("hello?", "failed");
  assert.notEqual(await alice.page.textContent("#alarm"), "");
  await alice.signOut();
  assert.deepEqual([await alice.page.textContent("#announcer"), await alice.page.textContent("#alarm")], ["", ""]);
});

test("messages are said politely, many in one sentence; states of the connection once each", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Ahmed");
  const { token } = await user(stack.door, "Bilal");
  const bob = await connect(stack.gateway(1), { token });
  t.after(() => bob.close());
  await alice.page.evaluate(() => {
    window.said = [];
    new MutationObserver(() => window.said.push(document.getElementById("announcer").textContent)).observe(document.getElementById("announcer"), { childList: true, characterData: true, subtree: true });
  });
  await bob.say("group", "one");
  await until("it is said", async () => (await alice.page.evaluate(() => window.said)).includes("Bilal: one"));
  await Promise.all([...Array(20).keys()].map((i) => bob.say("group", `many ${i}`)));
  await until("they are said", async () => /new messages|many /.test((await alice.page.evaluate(() => window.said)).at(-1)));
  assert.ok((await alice.page.evaluate(() => window.said)).length < 15, "not each for itself");
  assert.equal(await alice.page.getAttribute("#messages", "aria-live"), "off");
  assert.equal(await alice.page.getAttribute("#announcer", "aria-live"), "polite");
  assert.equal(await alice.page.textContent("#connection-said"), "Online");
});

for (const [width, height] of [[320, 568], [360, 740], [768, 1024], [1280, 800], [2560, 1440]]) {
  test(`${width} × ${height}: nothing is cut off or scrolls sideways`, async (t) => {
    const alice = await scene(t).open(stack.door, { viewport: { width, height } });
    await alice.page.waitForSelector("#sign-in:not([hidden])");
    await alice.signIn(`wide${width}`);
    await alice.say(`${"long".repeat(200)} https://a.example/${"x".repeat(300)}`);
    await alice.say("@nobody-with-a-rather-long-name1 hello");
    await alice.sees("hello", "failed");
    await alice.shot(`size-${width}`);
    const outside = await alice.page.evaluate(() => [...document.querySelectorAll("body *")]
      .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".said, #users-pane, svg"))
      .filter((node) => { const box = node.getBoundingClientRect(); return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1); }).map((node) => node.outerHTML.slice(0, 120)));
    assert.deepEqual(outside, []);
    assert.ok(await alice.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.getElementById("messages").scrollWidth <= document.getElementById("messages").clientWidth));
    for (const id of ["connection-text", "text", "send", "menu-button"]) {
      assert.ok(await alice.page.isVisible(`#${id}`), id);
    }
  });
}

test("the drawer of a phone: opens, takes the focus, Escape closes it, choosing closes it", async (t) => {
  const alice = await scene(t).open(stack.door, { viewport: { width: 360, height: 740 }, hasTouch: true });
  await alice.signIn("Alf");
  await until("it counts", async () => /Show \d+ active user/.test(await alice.page.getAttribute("#users-button", "aria-label")));
  assert.equal(await alice.page.isVisible("#users"), false);
  await alice.page.click("#users-button");
  await alice.page.waitForSelector("#users", { state: "visible" });
  const reached = new Set();
  for (let i = 0; i < 8; i++) {
    await alice.page.keyboard.press("Tab");
    reached.add(await alice.page.evaluate(() => document.activeElement.id));
  }
  reached.delete(""); /* between the last and the first */
  assert.deepEqual([...reached].sort(), ["user-filter", "users", "users-close"], "nothing behind it gets the focus");
  assert.equal(await alice.page.$eval("#connection-said", (e) => e.closest("[inert]")), null, "and the state of the connection can be said");
  assert.equal(await alice.page.getAttribute("#users-button", "aria-expanded"), "true");
  await alice.page.keyboard.press("Escape");
  await alice.page.waitForSelector("#users", { state: "hidden" });
  assert.equal(await alice.page.evaluate(() => document.activeElement.id), "users-button");
  await alice.page.click("#users-button");
  await alice.page.click('#users [data-name="Alf"]');
  await alice.page.waitForSelector("#users", { state: "hidden" });
  assert.equal(await alice.page.textContent("#receiver-text"), "Private to Alf");
});

test("a narrow phone without network, in German: the line of the connection stays one line, nothing around it moves", async (t) => {
  const anke = await scene(t).enter(stack, "Anke", { locale: "de-DE", viewport: { width: 360, height: 740 } });
  anke.expect(/WebSocket connection to .* failed/, /ERR_INTERNET_DISCONNECTED/);
  const box = (id) => anke.page.locator(`#${id}`).boundingBox();
  const bar = () => anke.page.$eval(".bar", (e) => [e.offsetHeight, e.scrollWidth <= e.clientWidth]);
  const before = [await bar(), (await box("connection")).height];
  await anke.context.setOffline(true);
  await anke.page.waitForSelector('#connection[data-state="offline"][data-counting="true"]');
  /* The longest that it can say. */
  await anke.page.evaluate(() => { document.getElementById("connection-text").textContent = "Offline, Versuch in 15 s"; });
  assert.deepEqual([await bar(), (await box("connection")).height], before);
  const cut = () => anke.page.$eval("#connection-text", (e) => [e.scrollWidth > e.clientWidth, e.getClientRects().length]);
  assert.deepEqual(await cut(), [false, 1], "all of it can be read");
  const again = await box("try-now");
  assert.ok(again.width >= 24 && again.height >= 24, "and the button can be hit");
  assert.equal(await anke.page.getAttribute("#try-now", "aria-label"), "Jetzt versuchen");
  await anke.shot("offline-german-phone");
  await anke.context.setOffline(false);
  await until("a tap connects", async () => {
    await anke.page.click("#try-now", { timeout: 300 }).catch(() => {});
    return anke.page.isVisible('#connection[data-state="online"]');
  });
});

for (const [width, height] of [[667, 320], [360, 740], [320, 480]]) {
  test(`signing in on a phone of ${width} x ${height}: the button is in sight, also with an error`, async (t) => {
    const anke = await scene(t).open(stack.door, { locale: "de-DE", viewport: { width, height } });
    await anke.page.waitForSelector("#sign-in:not([hidden])");
    const inSight = async () => {
      const { y, height: h } = await anke.page.locator("#sign-in-button").boundingBox();
      return y >= 0 && y + h <= height;
    };
    assert.equal(await inSight(), true);
    await anke.shot(`sign-in-${width}`);
    await anke.page.click("#sign-in-button");
    await until("it asks for a name", async () => (await anke.page.textContent("#sign-in-error")) === "Bitte gib einen Namen ein.");
    assert.equal(await inSight(), true);
  });
}

/* With its keyboard open a phone on its side has no more than that. */
for (const height of [256, 180, 120]) {
  test(`640 x ${height}, offline, privately, with red messages: what is being written is in sight`, async (t) => {
    const alf = await scene(t).enter(stack, `Alfred${height}`);
    await alf.page.setViewportSize({ width: 640, height });
    alf.expect(/WebSocket connection to .* failed/, /ERR_INTERNET_DISCONNECTED/);
    for (const text of ["one", "two"]) {
      await alf.say(`@nobody ${text}`);
      await alf.sees(text, "failed");
    }
    await alf.context.setOffline(true);
    await alf.page.waitForSelector('#connection[data-state="offline"]', { state: "attached" });
    await alf.page.fill("#text", "@bob Are you there?\nAnd you?\nAnd you?\nAnd you?");
    await alf.shot(`low-${height}`);
    for (const id of ["receiver", "text", "send"]) {
      const { y, height: h } = await alf.page.locator(`#${id}`).boundingBox();
      assert.ok(y >= 0 && y + h <= height, `${id}: ${y} + ${h}`);
    }
    await alf.page.locator("#text").blur();
    for (const id of ["connection", "notice", "failed-bar"]) {
      assert.ok(await alf.page.isVisible(`#${id}`), `${id} is there for whoever does not write`);
    }
  });
}

test("what is half written is in sight as a whole when the window becomes narrower, and takes no more room when it becomes wider", async (t) => {
  const alice = await scene(t).enter(stack, "Aurel");
  const box = () => alice.page.$eval("#text", (e) => [e.clientHeight, e.scrollHeight]);
  const [line] = await box();
  await alice.page.fill("#text", "some words that fit into one line of a wide window, and into no line of a phone's");
  assert.deepEqual(await box(), [line, line]);
  await alice.page.setViewportSize({ width: 360, height: 740 });
  await until("it has grown", async () => { const [height, all] = await box(); return height > line && height === all; });
  await alice.page.setViewportSize({ width: 1280, height: 800 });
  await until("it has shrunk", async () => (await box())[0] === line);
});

for (const colorScheme of ["light", "dark"]) {
  test(`forced colours, ${colorScheme}: what is on or chosen looks other than what is not`, async (t) => {
    const s = scene(t);
    const alice = await s.enter(stack, `Alba-${colorScheme}`, { forcedColors: "active", reducedMotion: "reduce", colorScheme });
    await s.enter(stack, `Bela-${colorScheme}`);
    await s.enter(stack, `Bert-${colorScheme}`);
    await until("they are there", async () => (await alice.users()).length >= 3);
    await alice.page.click("#menu-button");
    const back = (selector, pseudo) => alice.page.$eval(selector, (e, part) => getComputedStyle(e, part).backgroundColor, pseudo);
    const off = [await back("#sound"), await back("#sound", "::after")];
    assert.notEqual(off[0], off[1], "the knob can be seen");
    await alice.page.click("#sound");
    const on = [await back("#sound"), await back("#sound", "::after")];
    assert.notEqual(on[0], on[1]);
    assert.notEqual(on[0], off[0]);
    assert.notEqual(await back("#theme input:checked + span"), await back("#theme input:not(:checked) + span"));
    await alice.shot(`forced-${colorScheme}`);
    await alice.page.fill("#text", "@b");
    await alice.page.waitForSelector("#completions [aria-selected=true]");
    assert.notEqual(await back("#completions [aria-selected=true]"), await back("#completions [aria-selected=false]"));
  });
}

test("a name that is cut can be read whole: in the list, above it, and of whom one writes to", async (t) => {
  const name = `W${"w".repeat(31)}`;
  const long = await scene(t).enter(stack, name);
  await until("it is there", async () => (await long.users()).includes(name));
  await long.page.click(`#users [data-name="${name}"]`);
  for (const selector of ["#my-name", `#users [data-name="${name}"] .user-name`, "#receiver-text"]) {
    assert.equal(await long.page.getAttribute(selector, "title"), name, selector);
  }
  await long.page.keyboard.press("Escape");
  assert.equal(await long.page.getAttribute("#receiver-text", "title"), "");
});

test("three who are here have three colours, in the list and at their messages", async (t) => {
  const s = scene(t);
  const one = await s.enter(stack, "Kim");
  for (const name of ["Lea", "Max"]) {
    await (await s.enter(stack, name)).say(`I am ${name}`);
  }
  await one.sees("I am Lea");
  await one.sees("I am Max");
  const colours = (selector) => one.page.$$eval(selector, (all) => all.map((e) => getComputedStyle(e).backgroundColor));
  const [list, rows] = [await colours("#users .user .avatar"), await colours("#messages .avatar:not(.none)")];
  assert.equal(new Set(list).size, list.length);
  assert.equal(new Set(rows).size, 2);
  rows.forEach((colour) => assert.ok(list.includes(colour)));
});

test("with reduced motion nothing moves by itself", async (t) => {
  const alice = await scene(t).open(stack.door, { reducedMotion: "reduce" });
  await alice.signIn("Still");
  const moving = await alice.page.evaluate(() => [...document.querySelectorAll("body *")].filter((n) => getComputedStyle(n).animationName !== "none" || parseFloat(getComputedStyle(n).transitionDuration) > 0).length);
  assert.equal(moving, 0);
});

test("right-to-left texts and names do not turn what is around them", async (t) => {
  const s = scene(t);
  const alice = await s.enter(stack, "Noa");
  await alice.say("שלום 123 abc");
  await alice.sees("שלום 123 abc", "sent");
  await alice.say("\u202eevil text");
  await alice.sees("U+202Eevil text", "sent");
  const [rtl] = await alice.page.$$eval("#messages .text", (nodes) => nodes.map((n) => [n.getAttribute("dir"), getComputedStyle(n).direction]));
  assert.deepEqual(rtl, ["auto", "rtl"]);
  assert.equal(await alice.page.evaluate(() => getComputedStyle(document.querySelector("#messages .bubble")).direction), "ltr");
});

stack.lastTest();

/* screen.test.mjs - the terminal client on a screen: what people see and do while all is well */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scene } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { Screen } from "../support/terminal.mjs";

const stack = useStack({ GRACE_S: "10" });
let number = 0;

/* Somebody at the terminal, under a name of his own. */
async function open(t, name, options) {
  const me = `${name}${++number}`;
  const screen = await Screen.open(t, ["--url", stack.door, me], options);
  await screen.sees(`online as ${me}`);
  await screen.sees(/1 here|\d here/);
  return { me, screen };
}

/* Ends as it should: with /quit. */
async function quit(screen) {
  await screen.enter("/quit");
  assert.equal(await screen.status(), 0, await screen.text());
}

test("two people talk: the whole screen", async (t) => {
  const s = scene(t, stack);
  const { me, screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(2));
  await screen.sees(`${bob.name} is here`);
  await screen.enter("hello, everybody");
  const got = await bob.waitFor("message_in", (m) => m.message_text === "hello, everybody");
  assert.equal(got.data.sender, me);
  await bob.say("group", "hello, terminal");
  await bob.say(me, "a secret");
  await screen.sees("a secret");
  await screen.enter(`/msg ${bob.name} another`);
  await bob.waitFor("message_in", (m) => m.message_text === "another" && m.receiver === bob.name);
  await screen.sees("(private): another");
  await screen.misses("[waiting]");
  assert.deepEqual(await screen.stable(), [
    " │ 2 here", ` │ ${me}`, ` │ ${bob.name}`, " │", " │",
    "--- DAY --- │",
    "HH:MM - /help lists what can be done here │",
    `HH:MM - ${bob.name} is here │`,
    `HH:MM ${me}: hello, everybody │`,
    `HH:MM ${bob.name}: hello, terminal │`,
    `HH:MM ${bob.name} -> you (private): a secret │`,
    `HH:MM ${me} -> ${bob.name} (private): another │`,
    ` online as ${me}  SERVER  2 here`,
    ">",
  ]);
  assert.equal(bob.collect("message_in").length, 4, "each came once");
  await quit(screen);
  await bob.misses(me);
});

test("a day begins with its date", async (t) => {
  const { screen } = await open(t, "dora");
  const today = new Date().toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  await screen.sees(`--- ${today.replace(/^(\w+),? /, "$1, ")} ---`);
  await quit(screen);
});

test("a name that nobody has turns red with its reason, and /retry keeps it the same message", async (t) => {
  const s = scene(t, stack);
  const { me, screen } = await open(t, "al");
  await screen.enter("/msg later hi");
  await screen.sees("[not sent: no such user; /retry]");
  const red = (await screen.lines({ colours: true })).find((line) => line.includes("not sent"));
  assert.match(red, /^(\x1b\[\d+m)*\x1b\[31m/, "in red");
  const later = await s.user("x");
  const peer = await s.join(later, stack.gateway(1));
  await screen.enter(`/msg ${later.name} hi`);
  await peer.waitFor("message_in", (m) => m.message_text === "hi");
  await screen.enter("/retry");
  await screen.sees(new RegExp(`^\\d\\d:\\d\\d ${me} -> later \\(private\\): hi  \\[not sent`, "m"));
  await quit(screen);
});

test("what peers write never reaches the terminal as it is, and columns stay whole", async (t) => {
  const s = scene(t, stack);
  const { screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(1));
  const texts = [
    ["\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"],
    ["\u009b31mred", "\\u009b31mred"],
    ["\u202egnp.exe", "\\u202egnp.exe"],
    ["漢字かな交じり文", "漢字かな交じり文"],
    ["e\u0301a\u0308", "e\u0301a\u0308"],
    ["👩\u200d👩\u200d👧 ok", "👩👩👧 ok"],
    ["שלום עולם", "שלום עולם"],
    ["tab\there", "tab\\x09here"],
  ];
  for (const [text] of texts) {
    await bob.say("group", text);
  }
  await screen.sees("tab\\x09here");
  const lines = await screen.lines();
  for (const [, shown] of texts) {
    const line = lines.find((l) => l.includes(`${bob.name}: ${shown}`));
    assert.ok(line, `${JSON.stringify(shown)} in:\n${lines.join("\n")}`);
    assert.equal(columnsBefore(line, "│"), 70, `the list stays where it is: ${line}`);
  }
  const coloured = (await screen.lines({ colours: true })).join("\n");
  assert.doesNotMatch(coloured, /[\x80-\x9f\u202a-\u202e]/);
  await bob.say("group", "two\nlines");
  await screen.sees(/two *│.*\n {6}lines/);
  await quit(screen);
});

function columnsBefore(line, mark) {
  const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60\u{1f300}-\u{1faff}]/u;
  return [...line.slice(0, line.indexOf(mark))].reduce((n, c) => n + (/\p{M}/u.test(c) ? 0 : wide.test(c) ? 2 : 1), 0);
}

test("the line: editing, history, wide characters", async (t) => {
  const s = scene(t, stack);
  const { screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(1));
  const says = async (text) => {
    await screen.press("Enter");
    await bob.waitFor("message_in", (m) => m.message_text === text);
  };
  await screen.type("wrld");
  await screen.press("Left", "Left", "Left");
  await screen.type("o");
  await screen.press("Home");
  await screen.type("hello ");
  await screen.press("End");
  await screen.type("!x");
  await screen.press("BSpace");
  await screen.sees("> hello world!");
  await says("hello world!");
  await screen.type("one two three");
  await screen.press("C-w", "M-b", "C-Left", "C-k");
  await screen.sees(/> *$/m);
  await screen.type("漢字x");
  await screen.press("Left", "BSpace", "C-a", "Right");
  await screen.type("é");
  await says("漢éx");
  await screen.press("Up", "Up");
  await screen.sees("> hello world!");
  await screen.press("Down");
  await screen.sees("> 漢éx");
  await screen.press("Down", "C-u");
  await screen.type("a line that is much longer than the screen is wide, so that its beginning is not to be seen");
  await screen.sees(/> .*its beginning is not to be seen$/m);
  await screen.press("Home");
  await screen.sees(/> a line that is much longer/);
  await screen.press("C-k");
  await quit(screen);
});

test("what is pasted is one message, however many lines it has, and waits for Enter", async (t) => {
  const s = scene(t, stack);
  const { me, screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(1));
  await screen.type("see: ");
  await screen.paste("one\n\ttwo\x15 漢字\n/quit\n"); /* Ctrl-U, too */
  await screen.sees("> see: one\\x0a\\x09two 漢字\\x0a/quit\\x0a");
  await screen.press("Enter");
  const got = await bob.waitFor("message_in");
  assert.equal(got.data.message_text, "see: one\n\ttwo 漢字\n/quit");
  await screen.sees(new RegExp(`${me}: see: one *│.*\n {6}\\\\x09two 漢字 *│.*\n {6}/quit`));
  await screen.enter("typed");
  await bob.waitFor("message_in", (m) => m.message_text === "typed");
  assert.equal(bob.collect("message_in").length, 2, "nothing else was sent");
  await quit(screen);
});

test("scrolling: what comes meanwhile is counted; searching finds and marks it", async (t) => {
  const s = scene(t, stack);
  const { screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(1));
  await screen.sees(`${bob.name} is here`);
  for (let i = 1; i <= 40; i++) {
    await bob.say("group", `line ${i}.`);
  }
  await screen.sees("line 40.");
  await screen.press("PageUp");
  await screen.sees("line 22.");
  await bob.say("group", "something new");
  await screen.sees("1 new below");
  assert.ok(!(await screen.text()).includes("something new"));
  await screen.press("PageDown", "PageDown");
  await screen.sees("something new");
  await screen.misses("new below");
  await screen.enter("/search LINE 7.");
  await screen.sees("line 7.");
  const hit = (await screen.lines({ colours: true })).find((line) => line.includes("line 7."));
  assert.match(hit, /\x1b\[7m/, "marked");
  await screen.press("C-p");
  await screen.sees("nothing more was found");
  await screen.enter("/search line 1");
  await screen.sees("line 19.");
  await screen.press("C-p", "C-p");
  await screen.sees("line 17.");
  await screen.press("C-n", "Escape", "C-End");
  await screen.sees("something new");
  await quit(screen);
});

test("another size: the list hides where it is narrow, and texts are wrapped anew", async (t) => {
  const s = scene(t, stack);
  const { me, screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(1));
  await bob.say("group", "a text that is long enough to be wrapped into two rows or three");
  await screen.sees("two rows");
  await screen.resize(40, 10);
  await screen.misses("│");
  await screen.sees(new RegExp(`${bob.name}: a text that is long enough\\n {6}to be wrapped into two rows or\\n {6}three`));
  await screen.resize(100, 12);
  await screen.sees(/│ 2 here\n/);
  await screen.sees(`${bob.name}: a text that is long enough to be wrapped into two rows or three`);
  await screen.resize(12, 3);
  await screen.sees(/^ online as/m);
  await screen.resize(80, 14);
  await screen.sees("│ 2 here");
  await quit(screen);
});

for (const [label, env] of [["NO_COLOR", { NO_COLOR: "1" }], ["a terminal without colours", { TERM: "vt100" }]]) {
  test(`${label}: no colours, and yet every state can be told`, async (t) => {
    const { screen } = await open(t, "al", { env });
    await screen.enter("/msg nobody hi");
    await screen.sees("[not sent: no such user; /retry]");
    const text = (await screen.lines({ colours: true })).join("\n");
    for (const [, codes] of text.matchAll(/\x1b\[([\d;]*)m/g)) {
      assert.match(codes, /^(0|1|2|7|22|27|39|49)?(;(1|2|7))*$/, `no colour in ${JSON.stringify(codes)}`);
    }
    await quit(screen);
  });
}

test("commands: /users, /help, what there is not, and // for a slash", async (t) => {
  const s = scene(t, stack);
  const { me, screen } = await open(t, "al");
  const bob = await s.enter("bob", stack.gateway(1));
  await screen.sees(`${bob.name} is here`);
  await screen.enter("/users");
  await screen.sees(`2 here: ${me} ${bob.name}`);
  await screen.enter("/nothing");
  await screen.sees("there is no such command");
  await screen.enter("//etc");
  await bob.waitFor("message_in", (m) => m.message_text === "/etc");
  await screen.enter("/help");
  await screen.sees("/search TEXT");
  await quit(screen);
});

test("the ways to leave sign out: Ctrl-D, SIGTERM; a typed line keeps Ctrl-D from it", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(1));
  const first = await open(t, "al");
  await bob.sees(first.me);
  await first.screen.type("x");
  await first.screen.press("C-a", "C-d", "C-d");
  assert.equal(await first.screen.status(), 0);
  await bob.misses(first.me);
  const second = await open(t, "al");
  await bob.sees(second.me);
  process.kill(await second.screen.pid(), "SIGTERM");
  assert.equal(await second.screen.status(), 0);
  await bob.misses(second.me);
});

for (const TERM of ["dumb", "unheard-of"]) {
  test(`TERM=${TERM}, which cannot show it: said in words, and what can be done`, async (t) => {
    const screen = await Screen.open(t, ["--url", stack.door, "al"], { env: { TERM } });
    assert.equal(await screen.status(), 1);
    assert.match(await screen.text(), /^parley: this terminal cannot be used \(TERM\?\); try --plain$/m);
  });
}

test("the session ends: in words, with status 4", async (t) => {
  const { me, screen } = await open(t, "al");
  await stack.operator("FCALL", "parley_kick", "1", "{chat}:", me);
  assert.equal(await screen.status(), 4);
  await screen.sees(/^parley: The session was ended by the server\.$/m);
});

test("a name that is taken, and one that cannot be: in words, with status 2", async (t) => {
  const { me, screen } = await open(t, "al");
  const second = await Screen.open(t, ["--url", stack.door, me]);
  assert.equal(await second.status(), 2);
  await second.sees(new RegExp(`^parley: ${me} is taken: somebody is signed in with it\\.$`, "m"));
  const third = await Screen.open(t, ["--url", stack.door, "admin"]);
  assert.equal(await third.status(), 2);
  await third.sees(/^parley: admin is not allowed as a name/m);
  await quit(screen);
});

stack.lastTest();

/* checker.test.mjs - the checker finds each kind of violation that is planted, and nothing in a sound run */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./checker.mjs";

const SETTINGS = { graceMs: 3000, ghostMs: 5000, slackMs: 100, endMs: 200 };

/* Three people; ann writes to bob, bob to the group, cy goes for good and is seen leaving in time. */
function sound() {
  return [
    ...["ann", "bob", "cy"].flatMap((who, i) => [
      [i, "login", who], [10 + i, "connect", who], [20 + i, "session", who, false],
      [30 + i, "seen", who, "+", ["ann", "bob", "cy"]],
    ]),
    [100, "send", "ann", "ann-1", "bob"], [101, "ack", "ann", "ann-1", "ok", 1, false],
    [102, "recv", "ann", 1, "ann-1", "ann", "bob"], [102, "recv", "bob", 1, "ann-1", "ann", "bob"],
    [200, "send", "bob", "bob-1", "group"], [201, "ack", "bob", "bob-1", "ok", 2, false],
    ...["ann", "bob", "cy"].map((who) => [202, "recv", who, 2, "bob-1", "bob", "group"]),
    [1000, "disconnect", "cy", "transport close"],
    [1100, "send", "ann", "ann-2", "cy"], [1101, "ack", "ann", "ann-2", "ok", 3, false], [1102, "recv", "ann", 3, "ann-2", "ann", "cy"],
    [4100, "seen", "ann", "-", ["cy"]], [4100, "seen", "bob", "-", ["cy"]],
    [4200, "send", "ann", "ann-3", "cy"], [4201, "ack", "ann", "ann-3", "error", "no_such_user"],
    [9000, "roster", "ann", ["ann", "bob"]], [9000, "roster", "bob", ["bob", "ann"]],
    [9001, "online", ["ann", "bob"]], [9001, "log", [[7, "+ann"], [8, "+bob +cy"], [9, "-cy"]]],
  ];
}

function judge(lines, settings = {}) {
  return check(lines.sort((a, b) => a[0] - b[0]), { ...SETTINGS, ...settings });
}
const rules = (lines, settings) => judge(lines, settings).violations.map((v) => v.rule);

/* The sound run with some lines taken away and others put in. */
function changed({ without = () => false, add = [] }) {
  return [...sound().filter((line) => !without(line)), ...add];
}
const is = (...wanted) => (line) => wanted.every((value, i) => value === undefined || line[1 + i] === value);

test("a sound run is sound, and counted", () => {
  const { violations, figures } = judge(sound());
  assert.deepEqual(violations, []);
  assert.deepEqual([figures.sent, figures.acked, figures.refused, figures.receipts, figures.told, figures.leaves], [4, 3, 1, 6, 0, 2]);
});

/* ann's connection breaks at 300 and is back at 400; meanwhile bob writes to her. */
function broken({ recovered, replayed }) {
  return changed({
    add: [
      [300, "disconnect", "ann", "transport close"], [350, "send", "bob", "bob-2", "ann"], [351, "ack", "bob", "bob-2", "ok", 10, false],
      [352, "recv", "bob", 10, "bob-2", "bob", "ann"], [400, "connect", "ann"], [401, "session", "ann", recovered],
      ...(replayed ? [[402, "recv", "ann", 10, "bob-2", "bob", "ann"]] : []),
    ],
    without: (line) => line[0] > 402 && line[1] !== "disconnect" && !(line[1] === "seen") && line[0] < 9000,
  });
}

const PLANTED = [
  ["A: delivered to somebody else", "A", changed({ add: [[103, "recv", "cy", 1, "ann-1", "ann", "bob"]] })],
  ["A: a message that nobody sent", "A", changed({ add: [[300, "recv", "cy", 2.7, "made-up", "ann", "cy"]] })],
  ["A: told as from another sender", "A", changed({ without: is("recv", "bob", 1), add: [[103, "recv", "bob", 1, "ann-1", "cy", "bob"]] })],
  ["M1: the receiver never gets it", "M1", changed({ without: is("recv", "bob", 1) })],
  ["M1: the sender never gets the echo", "M1", changed({ without: is("recv", "ann", 1) })],
  ["M1: one of the group never gets it", "M1", changed({ without: is("recv", "ann", 2) })],
  ["M1: not replayed although told as recovered", "M1", broken({ recovered: true, replayed: false })],
  ["M1: a hole before the last id is not excused by recovered: false later", "M1", [
    ...changed({ without: is("recv", "ann", 1) }), [300, "disconnect", "ann", "x"], [400, "connect", "ann"], [401, "session", "ann", false]]],
  ["M1: a tab that left misses what came before its last id", "M1", changed({ without: is("recv", "cy", 2), add: [
    [300, "send", "bob", "bob-9", "cy"], [301, "ack", "bob", "bob-9", "ok", 2.5, false], [302, "recv", "cy", 2.5, "bob-9", "bob", "cy"], [302, "recv", "bob", 2.5, "bob-9", "bob", "cy"]] })],
  ["M1: nor is it excused by the end of the session", "M1", changed({ without: is("recv", "cy", 2), add: [
    [300, "send", "bob", "bob-9", "cy"], [301, "ack", "bob", "bob-9", "ok", 2.5, false], [302, "recv", "cy", 2.5, "bob-9", "bob", "cy"], [302, "recv", "bob", 2.5, "bob-9", "bob", "cy"],
    [310, "refused", "cy", "session_expired"]] })],
  ["M2: the same id twice", "M2", changed({ add: [[300, "recv", "bob", 1, "ann-1", "ann", "bob"]] })],
  ["M2: twice across a reconnection", "M2", [...broken({ recovered: true, replayed: true }), [403, "recv", "ann", 2, "bob-1", "bob", "group"]]],
  ["M2: the same message under two ids", "M2", changed({ add: [[300, "recv", "bob", 4, "ann-1", "ann", "bob"]] })],
  ["M3: ids go back", "M3", changed({ add: [
    [90, "send", "bob", "bob-0", "ann"], [203, "ack", "bob", "bob-0", "ok", 1.5, false], [203, "recv", "ann", 1.5, "bob-0", "bob", "ann"], [105, "recv", "bob", 1.5, "bob-0", "bob", "ann"]] })],
  ["M4: refused, and delivered", "M4", changed({ add: [[4202, "recv", "ann", 4, "ann-3", "ann", "cy"]] })],
  ["M4: sent again, and confirmed with another id", "M4", changed({ add: [
    [300, "send", "ann", "ann-1", "bob"], [301, "ack", "ann", "ann-1", "ok", 4, true]] })],
  ["M4: confirmed with an id that is not the one delivered", "M4", changed({ without: is("ack", "bob", "bob-1"), add: [[203, "ack", "bob", "bob-1", "ok", 4, false]] })],
  ["M4: told as a duplicate of nothing", "M4", changed({ without: is("ack", "ann", "ann-1"), add: [[101, "ack", "ann", "ann-1", "ok", 1, true]] })],
  ["M4: an answer without a question", "M4", changed({ add: [[300, "ack", "ann", "ann-77", "ok", 9, false]] })],
  ["P1: never seen leaving", "P1", changed({ without: (line) => line[0] === 4100 && line[2] === "bob" })],
  ["P1: seen leaving too late", "P1", changed({ without: (line) => line[0] === 4100 && line[2] === "bob", add: [[7000, "seen", "bob", "-", ["cy"]]] })],
  ["P1: the client was killed without a word", "P1", changed({ without: (line) => (line[0] === 4100 && line[2] === "bob") || line[1] === "disconnect", add: [[1000, "lost", "cy"]] })],
  ["P2: seen leaving while connected", "P2", changed({ add: [[3000, "seen", "ann", "-", ["bob"]], [3100, "seen", "ann", "+", ["bob"]]] })],
  ["P2: seen leaving within the grace period", "P2", changed({ without: (line) => line[0] === 4100 && line[2] === "bob", add: [[2000, "seen", "bob", "-", ["cy"]]] })],
  ["P2: a former session's end is no excuse", "P2", changed({ add: [
    [300, "logout", "bob"], [301, "disconnect", "bob", "x"], [400, "login", "bob"], [401, "connect", "bob"], [402, "session", "bob", false], [3000, "seen", "ann", "-", ["bob"]]] })],
  ["P3: twice + in the log", "P3", changed({ without: is("log"), add: [[9001, "log", [[7, "+ann"], [8, "+bob +ann"]]]] })],
  ["P3: a version is missing", "P3", changed({ without: is("log"), add: [[9001, "log", [[7, "+ann"], [9, "+bob"]]]] })],
  ["P4: a list has somebody too many", "P4", changed({ without: is("roster", "bob"), add: [[9000, "roster", "bob", ["ann", "bob", "cy"]]] })],
  ["P4: a list lacks somebody", "P4", changed({ without: is("roster", "bob"), add: [[9000, "roster", "bob", ["bob"]]] })],
  ["S1: delivered after the logout", "S1", changed({ add: [
    [8000, "logout", "bob"], [8010, "disconnect", "bob", "x"],
    [8300, "send", "ann", "ann-8", "bob"], [8301, "ack", "ann", "ann-8", "ok", 9, false], [8302, "recv", "ann", 9, "ann-8", "ann", "bob"], [8302, "recv", "bob", 9, "ann-8", "ann", "bob"]],
  without: (line) => line[0] >= 9000 })],
  ["S1: accepted after the logout", "S1", changed({ add: [
    [8000, "logout", "bob"], [8005, "send", "bob", "bob-8", "ann"], [8006, "ack", "bob", "bob-8", "ok", 9, false], [8007, "recv", "ann", 9, "bob-8", "bob", "ann"], [8010, "disconnect", "bob", "x"]],
  without: (line) => line[0] >= 9000 })],
  ["S1: connected long after the logout", "S1", changed({ add: [[8000, "logout", "bob"], [8900, "disconnect", "bob", "x"]], without: (line) => line[0] >= 9000 })],
];

for (const [what, rule, lines] of PLANTED) {
  test(`finds ${what}`, () => {
    const found = rules(lines);
    assert.ok(found.includes(rule), `found ${found}`);
    assert.deepEqual([...new Set(found)].filter((r) => r !== rule && !(rule === "M2" && r === "M4") && !(rule === "M4" && r === "M1") && !(rule === "S1" && r === "M1")), [], "and nothing else");
  });
}

const EXCUSED = [
  ["a message that was replayed", broken({ recovered: true, replayed: true })],
  ["a missing message after recovered: false", broken({ recovered: false, replayed: false })],
  ["a leave after a logout, and the return after another login", changed({ add: [
    [300, "logout", "bob"], [301, "disconnect", "bob", "x"], [310, "seen", "ann", "-", ["bob"]],
    [400, "login", "bob"], [401, "connect", "bob"], [402, "session", "bob", false], [410, "seen", "ann", "+", ["bob"]]] })],
  ["a leave while the cable was pulled for longer than the grace period", changed({ add: [
    [2000, "dark", "bob", 0], [5300, "seen", "ann", "-", ["bob"]], [5400, "dark", "bob", 1], [5500, "seen", "ann", "+", ["bob"]]], without: (line) => line[1] === "recv" && line[0] > 2000 && line[2] === "bob" })],
  ["a retry that is confirmed with the first id", changed({ without: is("ack", "ann", "ann-1"), add: [
    [150, "unsent", "ann", "ann-1", "timeout"], [160, "send", "ann", "ann-1", "bob"], [161, "ack", "ann", "ann-1", "ok", 1, true]] })],
  ["two ids of a message that was in flight when Redis lost its data", changed({ without: is("ack", "ann", "ann-1"), add: [
    [110, "fault", "lost", "FLUSHALL"], [120, "fault", "lost", "FLUSHALL"], [130, "ack", "ann", "ann-1", "error", "unavailable"],
    [5000, "send", "ann", "ann-1", "bob"], [5001, "ack", "ann", "ann-1", "ok", 9, false],
    [5002, "recv", "ann", 9, "ann-1", "ann", "bob"], [5002, "recv", "bob", 9, "ann-1", "ann", "bob"]] })],
  ["that an emptied Redis gives lower ids, before somebody hears that his session is no more", changed({ add: [
    [290, "fault", "lost", "x"], [299, "fault", "lost", "x"],
    ...["ann", "bob", "cy"].map((who) => [299, "disconnect", who, "transport close"]), [300, "login", "ann"], [301, "connect", "ann"], [302, "session", "ann", false],
    [310, "send", "ann", "ann-9", "group"], [311, "ack", "ann", "ann-9", "ok", 1.5, false], [312, "recv", "ann", 1.5, "ann-9", "ann", "group"],
    ...["bob", "cy"].flatMap((who, i) => [[320 + i, "refused", who, "session_expired"], [330 + i, "login", who], [340 + i, "connect", who], [350 + i, "session", who, false]])] })],
];

for (const [what, lines] of EXCUSED) {
  test(`accepts ${what}`, () => {
    assert.deepEqual(judge(lines).violations, []);
  });
}

test("but not two ids of a message that was answered before Redis lost its data", () => {
  assert.ok(rules(changed({ add: [
    [290, "fault", "lost", "x"], [299, "fault", "lost", "x"], [300, "recv", "bob", 9, "ann-1", "ann", "bob"]] })).includes("M2"));
});

test("measures recovery from the fault to the first message that is confirmed after the last trouble", () => {
  const { figures } = judge([...broken({ recovered: true, replayed: true }), [290, "fault", "begin", "x"],
    [410, "send", "ann", "ann-5", "bob"], [411, "ack", "ann", "ann-5", "ok", 12, false], [412, "recv", "ann", 12, "ann-5", "ann", "bob"], [412, "recv", "bob", 12, "ann-5", "ann", "bob"]]);
  assert.deepEqual(figures.recovery, [121]);
});

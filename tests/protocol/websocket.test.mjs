/* websocket.test.mjs - RFC 6455 as a table: every topic of the usual conformance suites, on a
 * WebSocket from the start, on one that polling was upgraded to, and on one that the server which
 * took it carries to another
 *
 * A row says what is sent and what must come of it.  It is sent in one segment and, unless it is
 * long, octet by octet.  What libwebsockets' public interface does not show us, and what follows:
 *
 *   frames without a mask                 are taken as if they had one
 *   text that cannot become UTF-8 again   is refused when its message is complete, not before
 *   protocol errors                       are closed with 1002 by libwebsockets alone
 *   pings that come at once               the first is answered, not each and not the last */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { RawPoll } from "../support/raw_poll.mjs";
import { askRaw, closeCode, frame, OP, openWs, RawWs, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

const ECHO = "/engine.io/"; /* sends every message back */
const MAX = 1_000_000;
const FRAGMENTS = 1024;
const OCTETS_MAX = 160; /* longer rows are not sent octet by octet */

let app;
let other; /* knows where app is, and carries to it */
before(async () => {
  app = await startApp({ NODE: "one", MAX_PAYLOAD: MAX, MAX_FRAGMENTS: FRAGMENTS });
  other = await startApp({ NODE: "two", PEERS: `one=${app.port}`, MAX_PAYLOAD: MAX, MAX_FRAGMENTS: FRAGMENTS });
});
after(async () => {
  await app?.stop();
  await other?.stop();
});

/* ---- Three ways to a WebSocket ---- */

const sidTarget = (sid) => `${ECHO}?EIO=4&transport=websocket&sid=${sid}`;

async function upgraded(at) {
  const { sid } = await RawPoll.open(app, { path: ECHO });
  const ws = new RawWs(at.port, upgradeRequest({ target: sidTarget(sid) }), text("2probe"));
  assert.equal(await ws.readText("the answer to the probe"), "3probe");
  ws.text("5");
  return ws;
}

const ways = {
  "from the start": () => openWs(app, `${ECHO}?EIO=4&transport=websocket`),
  "upgraded": () => upgraded(app),
  "carried": () => upgraded(other),
};

/* ---- Frames ---- */

const bytes = (...list) => Buffer.from(list);
const repeat = (length, fill = "x") => Buffer.alloc(length, fill);
const ctl = (opcode, payload = "", options = {}) => frame(payload, { opcode, ...options });
const text = (payload) => frame(payload);
const begun = (payload, opcode = OP.text) => frame(payload, { opcode, fin: false });
const more = (payload) => frame(payload, { opcode: OP.continued, fin: false });
const last = (payload) => frame(payload, { opcode: OP.continued });
const close = (code, reason = "") => ctl(OP.close, Buffer.concat([bytes(code >> 8, code & 0xff), Buffer.from(reason)]));

/* A message in fragments of `size` bytes. */
function cut(payload, size, opcode = OP.text) {
  const whole = Buffer.from(payload);
  const frames = [];
  for (let at = 0; at === 0 || at < whole.length; at += size) {
    const end = at + size >= whole.length;
    frames.push(frame(whole.subarray(at, at + size), { opcode: at === 0 ? opcode : OP.continued, fin: end }));
  }
  return frames;
}

/* ---- What comes of it ---- */

const VIOLATION = [1002, "ended"];
/* These messages come back, in order, and these pongs. */
const back = (...list) => ({ back: list });
const pongs = (...list) => ({ pongs: list });
/* Its messages come back (a carried WebSocket may close before), then the connection is closed with one of these codes, and nothing that was
 * sent behind is looked at.  `deaf`: our own close is read as part of the message. */
const closed = (codes, ...list) => ({ codes: codes === VIOLATION ? codes : [codes].flat(), back: list });
const binary = (payload) => ({ binary: Buffer.from(payload) });

const ROWS = [];
const rows = (topic, ...list) => ROWS.push(...list.map(([label, sent, expected]) => ({ label: `${topic}: ${label}`, sent: [sent].flat(), ...expected })));

/* 1: framing */
for (const length of [1, 2, 125, 126, 127, 128, 65_535, 65_536]) {
  const payload = Buffer.concat([Buffer.from("4"), repeat(length - 1)]);
  rows("framing",
    [`text of ${length}`, text(payload), back(payload.toString())],
    [`binary of ${length}`, ctl(OP.binary, repeat(length, 0xfe)), back(binary(repeat(length, 0xfe)))]);
}
rows("framing",
  ["binary of 0", ctl(OP.binary), back(binary(""))],
  ["text of 0 is no packet", text(""), closed([1005, 1002, 1007, 1008])],
  ["text without a packet type", text("x"), closed([1005, 1002, 1007, 1008])],
  ["a length of 16 bits where 7 would do", bytes(0x82, 0xfe, 0, 1, 0, 0, 0, 0, 65), back(binary("A"))],
  ["a length of 64 bits where 7 would do", bytes(0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 65), back(binary("A"))],
  ["a length of 64 bits with the top bit set", bytes(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 65), closed([...VIOLATION, 1009])],
  ["a mask of zeros", bytes(0x81, 0x82, 0, 0, 0, 0, 0x34, 0x61), back("4a")],
  ["no mask: taken, which cannot be helped", frame("4a", { mask: false }), back("4a")]);

/* 2: pings and pongs */
for (const length of [0, 1, 124, 125]) {
  rows("pings", [`a payload of ${length}`, ctl(OP.ping, repeat(length)), pongs(repeat(length))],
    [`a payload of ${length} that is no UTF-8`, ctl(OP.ping, repeat(length, 0xff)), pongs(repeat(length, 0xff))]);
}
rows("pings",
  ["a payload of 126", ctl(OP.ping, repeat(126)), closed(VIOLATION)],
  ["a payload of 126 in a pong", ctl(OP.pong, repeat(126)), closed(VIOLATION)],
  ["a payload of 65,536", ctl(OP.ping, repeat(65_536)), closed(VIOLATION)],
  ["a pong that nobody asked for", ctl(OP.pong), back()],
  ["a pong with a payload", ctl(OP.pong, "unasked"), back()],
  ["a pong, then a ping", [ctl(OP.pong, "unasked"), ctl(OP.ping, "asked")], pongs("asked")],
  ["ten at once", Array.from({ length: 10 }, (_, i) => ctl(OP.ping, `p${i}`)), pongs(...Array.from({ length: 10 }, (_, i) => `p${i}`))],
  ["between messages", [text("4a"), ctl(OP.ping, "p"), text("4b")], { back: ["4a", "4b"], pongs: ["p"] }]);

/* 3: reserved bits */
for (const reserved of [1, 2, 3, 4, 5, 6, 7]) {
  rows(`reserved bits ${reserved}`,
    ["text", [text("4a"), frame("4b", { reserved })], closed(VIOLATION, "4a")],
    ["binary", ctl(OP.binary, "b", { reserved }), closed(VIOLATION)],
    ["empty", ctl(OP.binary, "", { reserved }), closed(VIOLATION)],
    ["ping", ctl(OP.ping, "p", { reserved }), closed(VIOLATION)],
    ["pong", ctl(OP.pong, "p", { reserved }), closed(VIOLATION)],
    ["close", ctl(OP.close, bytes(3, 232), { reserved }), closed(VIOLATION)],
    ["a continuation", [begun("4a"), ctl(OP.continued, "b", { reserved })], closed(VIOLATION)]);
}

/* 4: opcodes */
for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
  rows(`opcode ${opcode}`,
    ["empty", ctl(opcode), closed(VIOLATION)],
    ["with a payload, behind a message", [text("4a"), ctl(opcode, "x")], closed(VIOLATION, "4a")],
    ["within a message", [begun("4a"), ctl(opcode, "x"), last("b")], closed(VIOLATION)]);
}

/* 5: fragments */
rows("fragments",
  ["two", [begun("4a"), last("b")], back("4ab")],
  ["two of a binary", [begun("a", OP.binary), last("b")], back(binary("ab"))],
  ["three, the middle empty", [begun("4a"), more(""), last("b")], back("4ab")],
  ["the first and the last empty", [begun(""), more("4a"), last("")], back("4a")],
  ["all empty", [begun("", OP.binary), more(""), last("")], back(binary(""))],
  ["a ping in fragments", [ctl(OP.ping, "a", { fin: false }), last("b")], closed(VIOLATION)],
  ["a pong in fragments", [ctl(OP.pong, "a", { fin: false }), last("b")], closed(VIOLATION)],
  ["a close in fragments", [ctl(OP.close, bytes(3, 232), { fin: false }), last("b")], closed(VIOLATION)],
  ["a ping within", [begun("4a"), ctl(OP.ping, "p"), last("b")], { back: ["4ab"], pongs: ["p"] }],
  ["a ping behind each", [begun("4a"), ctl(OP.ping, "p"), more("b"), ctl(OP.ping, "q"), last("c"), ctl(OP.ping, "r")], { back: ["4abc"], pongs: ["p", "q", "r"] }],
  ["a pong within", [begun("4a"), ctl(OP.pong, "p"), last("b")], back("4ab")],
  ["an empty ping within a binary", [begun("a", OP.binary), ctl(OP.ping), last("b")], { back: [binary("ab")], pongs: [""] }],
  ["a close within", [begun("4a"), close(1000)], closed([1000, "ended"])],
  ["a continuation of nothing", last("b"), closed(VIOLATION)],
  ["an unfinished continuation of nothing", [more("b"), last("c")], closed(VIOLATION)],
  ["an empty continuation of nothing", last(""), closed(VIOLATION)],
  ["a continuation behind a message", [text("4a"), last("b")], closed(VIOLATION, "4a")],
  ["a continuation behind a message in fragments", [begun("4a"), last("b"), last("c")], closed(VIOLATION, "4ab")],
  ["a text within a text", [begun("4a"), text("4b"), last("c")], closed(VIOLATION)],
  ["a binary within a text", [begun("4a"), ctl(OP.binary, "b"), last("c")], closed(VIOLATION)],
  ["a text within a binary", [begun("a", OP.binary), text("4b"), last("c")], closed(VIOLATION)],
  ["a beginning within a text", [begun("4a"), begun("4b"), last("c")], closed(VIOLATION)],
  ["text, then binary, then text", [begun("4a"), last("b"), begun("c", OP.binary), last("d"), text("4e")], back("4ab", binary("cd"), "4e")],
  [`${FRAGMENTS}`, cut(`4${"x".repeat(FRAGMENTS - 1)}`, 1), back(`4${"x".repeat(FRAGMENTS - 1)}`)],
  [`${FRAGMENTS + 1}`, cut(`4${"x".repeat(FRAGMENTS)}`, 1), closed(1008)],
  [`${FRAGMENTS + 1} of a binary, all empty but the first`, [begun("4", OP.binary), ...Array.from({ length: FRAGMENTS }, () => more("")), last("")], closed(1008)]);

/* 6: UTF-8 */
const GOOD = ["", "20", "ce ba e1 bd b9 cf 83 ce bc ce b5", "00", "c2 80", "e0 a0 80", "f0 90 80 80", "7f", "df bf", "ef bf bf",
  "f4 8f bf bf", "ed 9f bf", "ee 80 80", "ef bf bd", "e1 88 b4", "f3 b0 80 80", "ef bb bf", "ef bf be", "ef b7 90",
  ...["f0 9f", "f0 af", "f0 bf", "f1 8f", "f2 bf", "f3 bf", "f4 8f"].flatMap((lead) => [`${lead} bf be`, `${lead} bf bf`]),
  "ef bf b9", "ef bf ba", "ef bf bb", "ef bf bc", "e2 82 ac 24 f0 9f 92 ac c3 a4"];
const NO_SUCH_LENGTH = ["f8 88 80 80 80", "fc 84 80 80 80 80", "f7 bf bf bf", "fb bf bf bf bf", "fd bf bf bf bf bf"];
const EARLY_END = ["c2", "df", "e0", "e0 a0", "ef bf", "f0 90", "f0 90 80", "f4 8f bf", "f7 bf bf", "fb bf bf bf"];
const OVERLONG = ["c0 af", "e0 80 af", "f0 80 80 af", "f8 80 80 80 af", "c1 bf", "e0 9f bf", "f0 8f bf bf", "fc 83 bf bf bf bf", "c0 80", "e0 80 80", "f0 80 80 80"];
const SURROGATES = ["ed a0 80", "ed ad bf", "ed ae 80", "ed af bf", "ed b0 80", "ed be 80", "ed bf bf",
  "ed a0 80 ed b0 80", "ed a0 80 ed bf bf", "ed ad bf ed b0 80", "ed ae 80 ed b0 80", "ed af bf ed bf bf"];
const BAD = [...NO_SUCH_LENGTH, ...EARLY_END, EARLY_END.join(" "), ...OVERLONG, ...SURROGATES,
  "80", "bf", "80 bf", "80 bf 80 bf 80", "fe", "ff", "fe fe ff ff", "f4 90 80 80", "f5 80 80 80", "c3 28", "e2 28 a1", "e2 82 28", "f0 28 8c bc", "f0 90 28 bc",
  "ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64", "c3 a4 80", "e2 82 ac ac",
  ...[0xc0, 0xc2, 0xdf, 0xe0, 0xef, 0xf0, 0xf4, 0xf7, 0xf8, 0xfc].map((lead) => `${lead.toString(16)} 20`)];

/* The table is judged by another decoder first. */
function isText(payload) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(payload);
    return true;
  } catch {
    return false;
  }
}
for (const [list, good] of [[GOOD, true], [BAD, false]]) {
  for (const hex of list) {
    const payload = Buffer.concat([Buffer.from("4a"), Buffer.from(hex.replaceAll(" ", ""), "hex")]);
    assert.equal(isText(payload), good, hex);
    const expected = good ? back(payload.toString()) : closed(1007);
    rows(`UTF-8 ${hex || "nothing"}`,
      ["whole", text(payload), expected],
      ["each byte a fragment", cut(payload, 1), expected],
      ["two fragments", cut(payload, Math.ceil(payload.length / 2) + 1), expected],
      ["in a binary", ctl(OP.binary, payload), back(binary(payload))]);
  }
}
rows("UTF-8",
  ["a ping within a character", [begun(bytes(0x34, 0xe2, 0x82)), ctl(OP.ping, bytes(0xff)), last(bytes(0xac))], { back: ["4€"], pongs: [bytes(0xff)] }],
  ["a character does not go on in the next message", [text(bytes(0x34, 0xe2, 0x82)), text(bytes(0xac))], closed(1007)],
  ["bytes of a binary are forgotten by the next text", [ctl(OP.binary, bytes(0xe2, 0x82)), text("4a")], back(binary(bytes(0xe2, 0x82)), "4a")],
  ["of 65,000 bytes the last is wrong", text(Buffer.concat([Buffer.from("4"), repeat(65_000), bytes(0xc3)])), closed(1007)]);

/* 7: closing */
rows("close",
  ["empty", ctl(OP.close), closed(1005)],
  ["one byte", ctl(OP.close, "\x03"), closed([1002, 1005, "ended"])],
  ["a reason of 123", close(1000, "r".repeat(123)), closed(1000)],
  ["a reason of 124", close(1000, "r".repeat(124)), closed(VIOLATION)],
  ["a reason in UTF-8", close(1000, "täté€💬"), closed(1000)],
  ["a reason that is no UTF-8", close(1000, bytes(0xce, 0xba, 0xe1)), closed([1007, ...VIOLATION])],
  ["a reason with a surrogate", close(4000, bytes(0xed, 0xa0, 0x80)), closed([1007, ...VIOLATION])],
  ["behind a message", [text("4a"), close(1000)], closed(1000, "4a")],
  ["twice", [close(1000), close(1001)], closed([1000, "ended"])],
  ["then a ping", [close(1000), ctl(OP.ping, "p")], closed([1000, "ended"])],
  ["then a violation", [close(1000), frame("4x", { reserved: 7 })], closed([1000, "ended"])]);
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
  rows("close", [`code ${code} is answered with it`, close(code), closed(code)]);
}
for (const code of [1012, 1013, 1014]) {
  rows("close", [`code ${code}, registered later, ends it in either way`, close(code), closed([code, ...VIOLATION])]);
}
for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
  rows("close", [`code ${code} may not be sent`, close(code), closed(VIOLATION)]);
}

/* 9 and 10: limits, and fragments of many sizes */
for (const size of [MAX, 65_536, 4096, 1024]) {
  const big = `4${"x".repeat(MAX - 1)}`;
  rows(`limits, ${size} a frame`,
    ["as much as may be", cut(big, size), back(big)],
    ["as much as may be, binary", cut(big, size, OP.binary), back(binary(big))],
    ["one more", cut(`${big}x`, size), closed(1009)],
    ["one more, binary", cut(`${big}x`, size, OP.binary), closed(1009)]);
}
for (const size of [1, 63, 64, 255, 256, 257, 1000, 4096]) {
  const some = `4${"ä€💬x".repeat(Math.min(size, 600))}`;
  rows(`fragments of ${size}`, ["text", cut(some, Math.max(size, Math.ceil(Buffer.byteLength(some) / FRAGMENTS))), back(some)]);
}
for (const announce of [BigInt(MAX) + 1n, 1n << 32n, (1n << 63n) - 1n]) {
  rows("limits", [`${announce} announced`, frame("4x", { announce }), { ...closed(1009), deaf: true }]);
}
rows("limits",
  ["the rest is announced too long", [begun(`4${"x".repeat(MAX - 10)}`), ctl(OP.continued, "x", { announce: 10n })], { ...closed(1009), deaf: true }]);

/* ---- The judge ---- */

const BEHIND = "4behind";
const plain = (f) => (f.opcode === OP.binary ? { binary: f.payload } : f.payload.toString());
const isData = (f) => (f.opcode === OP.text && f.payload.toString() !== "2") || f.opcode === OP.binary;
const show = (list) => list.map((m) => (typeof m === "string" ? `${m.length}:${m.slice(0, 60)}` : `${m.binary.length}:<${m.binary.subarray(0, 30).toString("hex")}>`));

function assertMessages(frames, expected) {
  const came = frames.filter(isData).map(plain);
  const same = came.length === expected.length && came.every((m, i) => (typeof m === "string" ? m === expected[i] : m.binary.equals(expected[i].binary ?? "")));
  assert.ok(same, `messages came ${show(came)}, expected ${show(expected)}`);
}

/* All of them, or of those that came at once only the first. */
function assertPongs(frames, expected) {
  const came = frames.filter((f) => f.opcode === OP.pong).map((f) => f.payload.toString("hex"));
  const hex = expected.map((p) => Buffer.from(p).toString("hex"));
  assert.equal(came[0], hex[0], "the first pong");
  let at = 0;
  for (const pong of came) {
    at = hex.indexOf(pong, at) + 1;
    assert.ok(at > 0, `a pong of ${pong}, which nobody asked for, or not then`);
  }
}

async function assertLives(ws, seen, row) {
  await until("the message behind is back", () => ws.gone || ws.frames.some((f, i) => i >= seen && plain(f) === BEHIND), { every: 1 });
  await until("the pongs are here", () => ws.gone || (row.pongs ?? []).length === 0 || ws.frames.slice(seen).some((f) => f.opcode === OP.pong), { every: 1 });
  const frames = ws.frames.slice(seen);
  assert.ok(!ws.gone && !frames.some((f) => f.opcode === OP.close), `it was closed: ${frames.filter((f) => f.opcode === OP.close).map(closeCode)}`);
  assertMessages(frames, [...(row.back ?? []), BEHIND]);
  assertPongs(frames, row.pongs ?? []);
}

/* The close does not wait for echoes that another server has yet to send: they are lost, or, as
 * libwebsockets does not tell us of violations, come behind it. */
async function assertClosed(ws, seen, row, way, octets) {
  const lateEcho = way === "carried" && row.back.length > 0;
  const code = await ws.readClose();
  /* octets behind a violation can look like a close to libwebsockets, which then answers that one */
  assert.ok(row.codes.includes(code) || (row.codes === VIOLATION && octets), `close code ${code}, expected ${row.codes}`);
  if (row.codes !== VIOLATION && !row.deaf) { /* after one libwebsockets need not understand our answer */
    ws.frame(code === "ended" || code === 1005 ? "" : bytes(code >> 8, code & 0xff), { opcode: OP.close });
    await until("the server hangs up", () => ws.gone, { every: 1 });
  }
  const frames = ws.frames.slice(seen);
  const closes = frames.filter((f) => f.opcode === OP.close);
  const most = row.deaf || octets ? 2 : 1; /* behind ours, libwebsockets may find what follows to be a violation */
  assert.ok(closes.length <= most && (closes.length > 0) === (code !== "ended"), `${closes.length} close frames`);
  assert.ok(frames.every((f, i) => i <= frames.indexOf(closes[0]) || f.opcode === OP.close) || !closes[0] || lateEcho, "nothing comes behind it");
  assertMessages(frames, lateEcho ? row.back.slice(0, frames.filter(isData).length) : row.back);
}

/* ---- The row ---- */

async function sendAtOnce(ws, sent) {
  ws.send(Buffer.concat([...sent, text(BEHIND)]));
}
/* Whoever has closed sends nothing behind, lest the answer be lost in a reset. */
async function sendOctets(ws, sent) {
  const closes = sent.length > 0 && (sent.at(-1)[0] & 0x0f) === OP.close;
  for (const octet of Buffer.concat(closes ? sent : [...sent, text(BEHIND)])) {
    ws.send(bytes(octet));
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

const open = {}; /* by way: what the row before has left open, for the next */

async function tryRow(row, way, deliver) {
  const ws = open[way] ?? await ways[way]();
  const seen = ws.frames.length;
  delete open[way];
  try {
    await deliver(ws, row.sent);
    await (row.codes ? assertClosed : assertLives)(ws, seen, row, way, deliver === sendOctets);
  } catch (err) {
    ws.destroy();
    err.message = `${way}, ${deliver.name}: ${err.message}`;
    throw err;
  }
  if (row.codes) {
    ws.destroy();
  } else {
    open[way] = ws;
  }
}

after(() => Object.values(open).forEach((ws) => ws.destroy()));

for (const row of ROWS) {
  const length = row.sent.reduce((sum, part) => sum + part.length, 0);
  test(row.label, async () => {
    for (const deliver of length > OCTETS_MAX ? [sendAtOnce] : [sendAtOnce, sendOctets]) {
      await Promise.all(Object.keys(ways).map((way) => tryRow(row, way, deliver)));
    }
  });
}

/* ---- The handshake, for a session that polling has opened ---- */

test("the accept key is the one that the key asks for", async () => {
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const ws = await openWs(app, `${ECHO}?EIO=4&transport=websocket`, { headers: { "Sec-WebSocket-Key": key } });
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  assert.ok(ws.head.toLowerCase().includes(`sec-websocket-accept: ${accept.toLowerCase()}`), ws.head);
  assert.ok(ws.head.includes(accept), ws.head);
  ws.destroy();
});

/* label, request, late; refused with 4xx, or hung up on without an answer.  `late`: the server that
 * carries it cannot know that, and may say 101 and close. */
const H2_SETTINGS = "AAMAAABkAAQCAAAAAAIAAAAA";
const REFUSED = [
  ["version 777", { headers: { "Sec-WebSocket-Version": "777" } }],
  ["version 8", { headers: { "Sec-WebSocket-Version": "8" } }],
  ["no version", { drop: ["Sec-WebSocket-Version"] }],
  ["POST", { method: "POST" }],
  ["PUT", { method: "PUT" }],
  ["CONNECT", { method: "CONNECT" }],
  ["h2c", { headers: { Upgrade: "h2c", Connection: "Upgrade, HTTP2-Settings", "HTTP2-Settings": H2_SETTINGS } }],
  ["h2c and websocket", { headers: { Upgrade: "h2c, websocket" } }],
  ["no key", { drop: ["Sec-WebSocket-Key"] }],
  ["Connection without Upgrade", { drop: ["Upgrade"] }],
  ["EIO=3", { target: (sid) => sidTarget(sid).replace("EIO=4", "EIO=3") }, true],
  ["transport=polling", { target: (sid) => sidTarget(sid).replace("websocket", "polling") }, true],
  ["the path of the other endpoint", { target: (sid) => sidTarget(sid).replace(ECHO, "/socket.io/") }, true],
];
for (const [label, request, late] of REFUSED) {
  test(`a sid and ${label}: refused at both servers, and the session lives and upgrades`, async () => {
    for (const at of [app, other]) {
      const poll = await RawPoll.open(app, { path: ECHO });
      const target = (request.target ?? sidTarget)(poll.sid);
      const asked = upgradeRequest({ ...request, target });
      const { status } = await askRaw(at.port, asked);
      if (late && at === other && status === 101) {
        const ws = new RawWs(at.port, asked, text("2probe"));
        assert.ok([1005, "ended"].includes(await ws.readClose()));
        assert.deepEqual(ws.texts(), []);
        ws.destroy();
      } else {
        assert.ok(status === 0 || (status >= 400 && status < 500), `status ${status} at ${at === app ? "its own" : "the other"}`);
      }
      await poll.post("4alive");
      assert.deepEqual(await poll.messages(1), ["4alive"]);
      const ws = new RawWs(at.port, upgradeRequest({ target: sidTarget(poll.sid) }), text("2probe"));
      assert.equal(await ws.readText("the answer to the probe"), "3probe");
      ws.destroy();
    }
  });
}

for (const [label, request, status] of [
  ["another case, and keep-alive beside Upgrade", { headers: { Connection: "keep-alive, Upgrade", Upgrade: "WebSocket" } }, 101],
  ["octet by octet", {}, 101],
]) {
  test(`a handshake in ${label} is taken`, async () => {
    const ws = new RawWs(app.port, "");
    for (const octet of Buffer.from(upgradeRequest({ ...request, target: `${ECHO}?EIO=4&transport=websocket` }))) {
      ws.send(bytes(octet));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    assert.match(await ws.readText("the open packet"), /^0\{/);
    assert.match(ws.head, new RegExp(`^HTTP/1.1 ${status} `));
    ws.destroy();
  });
}

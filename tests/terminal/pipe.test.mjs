/* pipe.test.mjs - parley --plain and --json: lines in, events out, exit codes */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { scene, user } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { PARLEY, Pipe } from "../support/terminal.mjs";
import { until } from "../support/wait.mjs";

/* Long leases: a stopped gateway shall not be noticed by anybody but us. */
const stack = useStack({ GRACE_S: "20", LEASE_MS: "10000", RATE_MESSAGES: "100000:100000" });
let number = 0;

function open(t, mode = "--plain", { url = stack.door, args = [], env } = {}) {
  const me = `al${++number}`;
  return { me, pipe: new Pipe(t, ["--url", url, mode, ...args, me], { env }) };
}

test("lines are messages, events are lines; at the end all is answered and signed out", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(1));
  const { me, pipe } = open(t);
  await pipe.sees(`* 2 here: ${me} ${bob.name}`);
  await bob.say("group", "hello\n\x1b[31m");
  await bob.say(me, "psst");
  await pipe.sees("psst");
  assert.equal(await pipe.finish(`hi\n/msg ${bob.name} between us\n\n//slash\n/users\nno line feed`), 0);
  assert.deepEqual(pipe.lines, [
    `* online as ${me}`,
    `* 2 here: ${me} ${bob.name}`,
    `${bob.name}: hello\\x0a\\x1b[31m`,
    `${bob.name} -> ${me}: psst`,
    `* 2 here: ${me} ${bob.name}`,
    "> group: hi",
    `> ${bob.name}: between us`,
    "> group: /slash",
    "> group: no line feed",
  ]);
  await bob.waitFor("message_in", (m) => m.message_text === "no line feed");
  assert.deepEqual(bob.collect("message_in", (m) => m.sender === me).map((m) => [m.receiver, m.message_text]),
    [["group", "hi"], [bob.name, "between us"], ["group", "/slash"], ["group", "no line feed"]]);
  await bob.misses(me);
  assert.equal(pipe.err, "");
});

test("/quit ends the input: what stands behind it is nobody's, however it comes", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(1));
  for (const pieces of [["first\n/quit\nsecond\n"], ["first\n/quit\nsec", "ond\n"], ["first\n/quit\n", "second\n"], [`first\n/quit\nsecond\n${"third\n".repeat(20_000)}`]]) {
    const { me, pipe } = open(t);
    pieces.forEach((piece) => pipe.write(piece));
    assert.equal(await pipe.finish(), 0);
    assert.deepEqual(pipe.lines.filter((line) => !line.startsWith("*")), ["> group: first"]);
    await bob.misses(me);
    assert.deepEqual(bob.collect("message_in", (m) => m.sender === me).map((m) => m.message_text), ["first"]);
  }
});

test("--json: an object for each event", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(2));
  const { me, pipe } = open(t, "--json");
  await pipe.sees('"event":"users"');
  const id = await bob.say(me, 'a "quoted"\n\u0000 ü');
  await pipe.sees('"event":"message"');
  const carol = await s.enter("carol", stack.gateway(1));
  await pipe.sees('"event":"joined"');
  assert.equal(await pipe.finish("hi\n/msg nobody there\n"), 5);
  const { data: sent } = await bob.waitFor("message_in", (m) => m.message_text === "hi");
  /* Whoever logged out right before may be in the list, and leave. */
  const isOurs = (name) => [me, bob.name, carol.name].includes(name);
  const events = pipe.events.filter((e) => e.event !== "left" || isOurs(e.name)).map((e) => (e.users ? { ...e, users: e.users.filter(isOurs) } : e));
  const message = events.find((e) => e.event === "message");
  assert.equal(Math.abs(message.sent_at - Date.now()) < 60_000, true);
  assert.deepEqual(events, [
    { event: "online", name: me },
    { event: "users", users: [me, bob.name].sort() },
    { event: "message", id, sent_at: message.sent_at, from: bob.name, to: me, text: 'a "quoted"\n\u0000 ü' },
    { event: "joined", name: carol.name },
    { event: "sent", id: sent.message_id, to: "group", text: "hi" },
    { event: "failed", to: "nobody", text: "there", code: "no_such_user", reason: "no such user" },
  ]);
});

test("10,000 lines arrive, all, in order, once", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(2));
  const { me, pipe } = open(t);
  const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i + 1}`);
  assert.equal(await pipe.finish(lines.join("\n")), 0);
  await until("the last one is there", () => bob.texts().at(-1) === "line 10000", { timeout: 60_000 });
  assert.deepEqual(bob.texts(), lines);
  assert.ok(bob.collect("message_in").every((m) => m.sender === me));
  assert.equal(pipe.lines.filter((line) => line.startsWith("> group: line ")).length, 10_000);
});

test("a gateway is killed under it: all arrive, in order, once", async (t) => {
  const s = scene(t, stack);
  const { me, pipe } = open(t);
  await pipe.sees("online");
  const served = await until("he is served", async () => (await stack.servedBy(me))[0]);
  const mine = (await stack.gatewayId(1)) === served ? 1 : 2;
  const bob = await s.enter("bob", stack.gateway(3 - mine));
  const lines = Array.from({ length: 4000 }, (_, i) => `line ${i + 1}`);
  pipe.write(`${lines.slice(0, 2000).join("\n")}\n`);
  await bob.waitFor("message_in", (m) => m.message_text === "line 50");
  await stack.signal(`gateway-${mine}`, "SIGKILL");
  pipe.child.stdin.end(lines.slice(2000).join("\n"));
  assert.equal(await pipe.status(), 0, pipe.out.slice(-500) + pipe.err);
  await until("the last one is there", () => bob.texts().at(-1) === "line 4000");
  assert.deepEqual(bob.texts(), lines);
  assert.match(pipe.out, /\* connection lost; trying again in [\d.]+ s/);
  assert.doesNotMatch(pipe.out, /may be missing/);
  await stack.startAgain(`gateway-${mine}`);
});

test("while nothing is answered no more is read, and the program sleeps", async (t) => {
  const { pipe } = open(t);
  await pipe.sees("online");
  for (const name of ["gateway-1", "gateway-2"]) {
    await stack.signal(name, "SIGSTOP");
  }
  const text = "x".repeat(999);
  const lines = Array.from({ length: 3000 }, () => text).join("\n"); /* 3 MB */
  pipe.child.stdin.end(lines);
  const ticks = async () => {
    const fields = (await readFile(`/proc/${pipe.child.pid}/stat`, "utf8")).split(") ")[1].split(" ");
    return Number(fields[11]) + Number(fields[12]); /* of 10 ms: its time on a processor */
  };
  await until("it has read what it wants", async () => {
    const [a, b] = [pipe.child.stdin.writableLength, await ticks()];
    await new Promise((done) => setTimeout(done, 300));
    return a === pipe.child.stdin.writableLength && b === (await ticks());
  });
  assert.ok(pipe.child.stdin.writableLength > 2_000_000, `${pipe.child.stdin.writableLength} bytes are left`);
  for (const name of ["gateway-1", "gateway-2"]) {
    await stack.signal(name, "SIGCONT");
  }
  assert.equal(await pipe.status(), 0, pipe.out.slice(-300));
  assert.equal(pipe.lines.filter((line) => line === `> group: ${text}`).length, 3000);
});

test("an output that nobody reads holds everything up, and loses nothing", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(1));
  const { me, pipe } = open(t);
  await pipe.sees(`${me}`);
  pipe.child.stdout.pause();
  const text = "y".repeat(3000);
  for (let i = 0; i < 200; i++) { /* 600 KB: more than the pipe, less than QUEUE_MAX_BYTES */
    await bob.say("group", `${i} ${text}`);
  }
  pipe.child.stdout.resume();
  await pipe.sees(`: 199 ${text}`);
  assert.equal(await pipe.finish(), 0);
  assert.deepEqual(pipe.lines.filter((l) => l.endsWith(text)), Array.from({ length: 200 }, (_, i) => `${bob.name}: ${i} ${text}`));
});

test("an output that is closed ends it", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(1));
  const { me, pipe } = open(t);
  await pipe.sees("here:");
  pipe.child.stdout.destroy();
  await bob.say("group", "for nobody");
  assert.equal(await pipe.status(), 1);
  await bob.misses(me);
});

test("lines that are none: told with their number, and status 5", async (t) => {
  const { pipe } = open(t);
  pipe.write("good\n/nothing\n");
  pipe.write(Buffer.from([0xff, 0x0a]));
  pipe.write(`${"z".repeat(100_001)}\n/search x\n${"z".repeat(5000)}\n`);
  assert.equal(await pipe.finish(), 5);
  assert.deepEqual(pipe.lines.filter((line) => line.startsWith("!")).map((line) => line.slice(0, 60)), [
    "! line 2: there is no such command; /help lists them",
    "! line 3: that is not UTF-8",
    "! line 4: that line is too long",
    "! line 5: that command is for the screen alone",
    `! not sent to group (too long): ${"z".repeat(28)}`,
  ]);
  assert.ok(pipe.lines.includes("> group: good"));
});

test("SIGTERM and SIGINT sign out", async (t) => {
  const s = scene(t, stack);
  const bob = await s.enter("bob", stack.gateway(1));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    const { me, pipe } = open(t);
    await bob.sees(me);
    pipe.child.kill(signal);
    assert.equal(await pipe.status(), 0);
    await bob.misses(me);
  }
});

test("the session ends: in words, with status 4", async (t) => {
  const { me, pipe } = open(t);
  await pipe.sees("here:");
  await stack.operator("FCALL", "parley_kick", "1", "{chat}:", me);
  assert.equal(await pipe.status(), 4);
  assert.equal(pipe.lines.at(-1), "* The session was ended by the server.");
  assert.equal(pipe.err, "parley: The session was ended by the server.\n");
});

/* ---- What does not begin ---- */

test("how it ends when it cannot begin: a table", async (t) => {
  const taken = await user(stack.door, "taken");
  const rows = [
    [["--plain", taken.name], 2, /^parley: taken is taken; it may be free in \d+ seconds\.\n$/],
    [["--plain", "admin"], 2, /^parley: admin is not allowed as a name/],
    [["--plain", "a b"], 2, /^parley: That is not allowed as a name/],
    [["--plain", "../x"], 2, /^parley: That is not allowed as a name/],
    [["--plain"], 1, /^parley: NAME is missing/],
    [["--what", "al"], 1, /^parley: --what: there is no such option/],
    [["al"], 1, /^parley: this is no terminal; use --plain or --json\n$/],
    [["--plain", "--url", "http://127.0.0.1:1", "al"], 3, /^parley: The server cannot be reached: nothing answers at that address\.\n$/],
    [["--plain", "--url", "http://no-such-host.invalid", "al"], 3, /^parley: The server cannot be reached: /],
    [["--plain", "--url", `${stack.gateway(1)}`, "al"], 3, /^parley: al cannot sign in: there is no chat at that address\.\n$/],
    [["--plain", "--url", stack.tlsDoor, "--cafile", "/nonexistent", "al"], 1, /^parley: the file of --cafile cannot be read\.\n$/],
  ];
  for (const [args, status, words] of rows) {
    const pipe = new Pipe(t, args.includes("--url") ? args : ["--url", stack.door, ...args]);
    assert.equal(await pipe.finish(), status, `${args}: ${pipe.err}`);
    assert.match(pipe.err, words);
    assert.equal(pipe.out, "");
  }
});

test("--help and --version", async () => {
  const run = promisify(execFile);
  assert.match((await run(PARLEY, ["--help"])).stdout, /^usage: parley /);
  assert.match((await run(PARLEY, ["--version"])).stdout, /^parley \d+\.\d+\.\d+\n$/);
});

/* ---- https ---- */

const localhost = () => stack.tlsDoor.replace("127.0.0.1", "localhost");

test("https: a certificate that is trusted, by name and by address", async (t) => {
  const cafile = join(stack.dir, "cert.pem");
  for (const url of [localhost(), stack.tlsDoor]) {
    const { pipe } = open(t, "--plain", { url, args: ["--cafile", cafile] });
    assert.equal(await pipe.finish("over https\n"), 0, pipe.err);
    assert.ok(pipe.lines.includes("> group: over https"));
  }
  const { pipe } = open(t, "--plain", { url: localhost(), env: { SSL_CERT_FILE: cafile } });
  assert.equal(await pipe.finish(), 0, pipe.err);
});

test("https: a certificate that is not trusted", async (t) => {
  const { pipe } = open(t, "--plain", { url: localhost() });
  assert.equal(await pipe.finish("secret\n"), 3);
  assert.match(pipe.err, /^parley: The server cannot be reached: the server's certificate is not trusted; --cafile names one that is\.\n$/);
});

test("https: a certificate for somebody else, by name and by address", async (t) => {
  const [key, cert] = [join(stack.dir, "other.key"), join(stack.dir, "other.pem")];
  await promisify(execFile)("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=DNS:other.example,DNS:127.0.0.1,IP:127.0.0.9"]);
  const asked = [];
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (req, res) => { asked.push(req.url); res.end(); });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  for (const host of ["localhost", "127.0.0.1"]) {
    const { pipe } = open(t, "--plain", { url: `https://${host}:${server.address().port}`, args: ["--cafile", cert] });
    assert.equal(await pipe.finish("secret\n"), 3, `${host}: ${pipe.err}`);
    assert.match(pipe.err, /the server's certificate is (for another host name|not trusted)/);
  }
  assert.deepEqual(asked, [], "nothing was asked of it");
  await writeFile(join(stack.dir, "empty.pem"), "no certificate\n");
  const { pipe } = open(t, "--plain", { url: localhost(), args: ["--cafile", join(stack.dir, "empty.pem")] });
  assert.equal(await pipe.finish(), 1);
  assert.match(pipe.err, /^parley: there is no certificate in the file of --cafile\.\n$/);
});

stack.lastTest();

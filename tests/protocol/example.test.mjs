/* example.test.mjs - the Socket.IO server as a library: what is installed, what an application
 * needs of it, and the example that comes with it, built from that alone and used by real clients */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { io } from "socket.io-client";
import { ownPort } from "../support/own_port.mjs";
import { until } from "../support/wait.mjs";

const ROOT = path.resolve(import.meta.dirname, "../..");
const RELEASE = process.env.PARLEY_RELEASE ?? path.join(ROOT, "build/release");
const BUILD_MS = 240_000;
const LIBS = ["-lparley-sio", "-lwebsockets", "-luring", "-lev", "-lcrypto"];

let dir; /* ours: what is installed is in dir/root/usr */
let port;
let echo; /* the example, running */
const usr = (...names) => path.join(dir, "root/usr", ...names);

async function run(command, args, options = {}) {
  try {
    return (await promisify(execFile)(command, args, { cwd: dir, timeout: BUILD_MS, maxBuffer: 1 << 24, ...options })).stdout;
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  }
}

/* As a C programmer would who has nothing but the installed files. */
function compile(source, out, ...more) {
  return run("cc", ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", `-I${usr("include")}`, source, "-o", out, `-L${usr("lib")}`, ...more, ...LIBS]);
}

function answers() {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => { socket.destroy(); resolve(true); });
    socket.on("error", () => resolve(false));
  });
}

before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "parley-library-"));
  await run("make", ["install-lib", "MODE=release", `O=${RELEASE}`, `DESTDIR=${dir}/root`, "PREFIX=/usr"], { cwd: ROOT });
  await compile(usr("share/doc/parley-sio/echo.c"), "echo");
  port = await ownPort();
  echo = spawn(path.join(dir, "echo"), [String(port)], { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  echo.log = "";
  echo.stderr.on("data", (chunk) => { echo.log += chunk; });
  await until("the example listens", () => {
    assert.equal(echo.exitCode ?? echo.signalCode, null, echo.log);
    return answers();
  });
}, { timeout: BUILD_MS });

after(async () => {
  if (echo && (echo.exitCode ?? echo.signalCode) === null) {
    echo.kill("SIGTERM");
    await once(echo, "exit");
  }
  await rm(dir, { recursive: true, force: true });
});

/* ---- What is installed ---- */

test("library, one header, example and texts are installed, and nothing else", async () => {
  const entries = await readdir(path.join(dir, "root"), { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile()).map((e) => path.relative(usr(), path.join(e.parentPath ?? e.path, e.name)));
  assert.deepEqual(files.sort(), [
    "include/parley/sio.h", "lib/libparley-sio.a", "share/doc/parley-sio/LICENSE", "share/doc/parley-sio/README.md", "share/doc/parley-sio/echo.c",
  ]);
});

test("the example is 40 lines", async () => {
  const text = await readFile(usr("share/doc/parley-sio/echo.c"), "utf8");
  assert.ok(text.trimEnd().split("\n").length <= 40);
});

test("the header stands alone, as C11 and as C99", async () => {
  const header = await readFile(usr("include/parley/sio.h"), "utf8");
  assert.deepEqual([...header.matchAll(/^ *# *include +(.*)$/gm)].map((m) => m[1]), ["<stdbool.h>", "<stddef.h>", "<stdint.h>"]);
  for (const std of ["c11", "c99"]) {
    await run("cc", [`-std=${std}`, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c", usr("include/parley/sio.h")]);
  }
});

/* ---- What is in the archive ---- */

async function symbols(...options) {
  const lines = (await run("nm", [...options, "--format=posix", usr("lib/libparley-sio.a")])).split("\n");
  return lines.map((line) => line.split(" ")).filter((words) => words.length > 1).map((words) => words[0]).sort();
}

test("the archive shows exactly the functions that the header declares", async () => {
  const header = (await readFile(usr("include/parley/sio.h"), "utf8")).replaceAll(/\/\*[^]*?\*\//g, "");
  const declared = [...header.matchAll(/^(?!typedef\b)[a-z][a-z0-9_ ]*[ *]((?:sio|slice)_[a-z0-9_]+)\(/gm)].map((m) => m[1]);
  assert.ok(declared.length > 30, declared.join(" "));
  assert.deepEqual(await symbols("--extern-only", "--defined-only"), declared.sort());
});

test("it needs libwebsockets, liburing, libev, libcrypto and the C library", async () => {
  const wanted = await symbols("--undefined-only");
  assert.ok(wanted.includes("lws_create_context") && wanted.includes("ev_io_start"), wanted.join(" "));
  assert.deepEqual(wanted.filter((name) => /redis|sds|^cJSON|MHD_/.test(name)), []);
  const needed = [...(await run("readelf", ["-d", "echo"])).matchAll(/NEEDED.*\[(lib[a-z]+)/g)].map((m) => m[1]);
  assert.deepEqual(needed.sort(), ["libc", "libcrypto", "libev", "liburing", "libwebsockets"]);
  assert.doesNotMatch(await run("ldd", ["echo"]), /hiredis|cjson|microhttpd/);
});

/* ---- Clients ---- */

const BYTES = Buffer.from([0, 1, 0xfe, 0xff]);
const ARGS = [1, "two\u0000\u2028💬", { three: [null, false] }];

for (const [what, options] of [["default options", {}], ["polling only", { transports: ["polling"] }], ["WebSocket only", { transports: ["websocket"] }]]) {
  test(`JavaScript, ${what}: events, acks and binary come back`, async (t) => {
    const socket = io(`http://127.0.0.1:${port}`, { forceNew: true, ...options });
    t.after(() => socket.disconnect());
    await once(socket, "connect");
    socket.emit("anything", ...ARGS, BYTES);
    assert.deepEqual(await once(socket, "echo"), [...ARGS, BYTES]);
    assert.deepEqual(await new Promise((resolve) => { socket.emit("ask", ...ARGS, BYTES, (...back) => resolve(back)); }), [...ARGS, BYTES]);
    if (!options.transports) {
      await until("the upgrade", () => socket.io.engine.transport.name === "websocket");
      assert.deepEqual(await socket.emitWithAck("ask", "after the upgrade"), "after the upgrade");
    }
  });
}

const PYTHON = `
import sys, socketio
c = socketio.Client()
back = []
c.on("echo", lambda *args: back.append(list(args)))
c.connect(sys.argv[1])
assert c.call("ask", {"a": b"\\x00\\xff"}) == {"a": b"\\x00\\xff"}
c.emit("anything", ("x", 2))
assert c.call("ask", "behind it") == "behind it"
assert back == [["x", 2]], back
c.disconnect()
print("good")
`;
test("Python, default options: the same", async () => {
  assert.equal(await run("/usr/bin/python3", ["-c", PYTHON, `http://127.0.0.1:${port}`]), "good\n");
});

/* ---- The words of the log ---- */

test("a port that is taken: no server, one line that says so, and exit 1", async () => {
  const second = spawn(path.join(dir, "echo"), [String(port)], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  second.stderr.on("data", (chunk) => { log += chunk; });
  const [code] = await once(second, "close");
  assert.equal(code, 1);
  assert.match(log, /^\S+ error parley: cannot listen host=127\.0\.0\.1 port=\d+ error="Address already in use"\n$/);
});

/* clients.test.mjs - the official JavaScript client and python-socketio against the server part */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { until } from "../support/wait.mjs";
import { startApp } from "../support/raw_ws.mjs";

let app;
before(async () => { app = await startApp({ PING_INTERVAL_MS: 300, PING_TIMEOUT_MS: 5000 }); });
after(async () => { await app.stop(); });

function client(t, { nsp = "", transports = ["websocket"], ...options } = {}) {
  const socket = io(`${app.url}${nsp}`, { transports, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 40, ...options });
  t.after(() => socket.disconnect());
  return socket;
}
const next = async (socket, event) => (await once(socket, event)).slice(0);

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  const how = transports.join(" and ");
  test(`JavaScript over ${how}: connect, auth, events, acks`, async (t) => {
    const socket = client(t, { transports, auth: { token: "t\u0000💬" } });
    assert.deepEqual(await next(socket, "auth"), [{ token: "t\u0000💬" }]);
    assert.match(socket.id, /^[A-Za-z0-9_-]{20}$/);
    assert.ok(!socket.recovered);
    const args = [1, "2", { 3: ["4"] }, null, false, "\u2028"];
    socket.emit("message", ...args);
    assert.deepEqual(await next(socket, "message-back"), args);
    const acked = await new Promise((resolve) => { socket.emit("message-with-ack", ...args, (...back) => resolve(back)); });
    assert.deepEqual(acked, args);
  });

  test(`JavaScript over ${how}: heartbeats are answered, the connection lives on`, async (t) => {
    const socket = client(t, { transports });
    await next(socket, "connect");
    let pings = 0;
    socket.io.on("ping", () => { pings++; });
    await until("four pings", () => pings >= 4);
    assert.ok(socket.connected);
    assert.deepEqual(await socket.emitWithAck("message-with-ack", "still here"), "still here");
  });

  test(`JavaScript over ${how}: two namespaces on one connection, one of them left`, async (t) => {
    const root = client(t, { transports });
    const custom = root.io.socket("/custom", { auth: { c: 1 } });
    custom.connect();
    t.after(() => custom.disconnect());
    assert.deepEqual(await next(custom, "auth"), [{ c: 1 }]);
    custom.emit("message", "to custom");
    assert.deepEqual(await next(custom, "message-back"), ["to custom"]);
    custom.disconnect();
    assert.deepEqual(await root.emitWithAck("message-with-ack", 1), 1);
  });

  test(`JavaScript over ${how}: a refusal is an error with its data, and is not tried again`, async (t) => {
    const socket = client(t, { transports, auth: { refuse: { code: "no" } } });
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, 'refused by "request"');
    assert.deepEqual(error.data, { code: "no" });
    assert.equal(socket.active, false);
    const other = client(t, { transports, nsp: "/nowhere" });
    assert.equal((await next(other, "connect_error"))[0].message, "Invalid namespace");
  });

  test(`JavaScript over ${how}: kicked is for good, closed is not`, async (t) => {
    const kicked = client(t, { transports });
    await next(kicked, "connect");
    kicked.emit("kick");
    assert.equal((await next(kicked, "disconnect"))[0], "io server disconnect");
    assert.equal(kicked.active, false);

    const closed = client(t, { transports });
    await next(closed, "connect");
    const first = closed.id;
    closed.emit("close");
    const [reason] = await next(closed, "disconnect");
    assert.ok(reason === "transport close" || (transports[0] === "polling" && reason === "transport error"), reason);
    await next(closed, "connect");
    assert.notEqual(closed.id, first);
  });

  test(`JavaScript over ${how}: 1,000 messages come back in order`, async (t) => {
    const socket = client(t, { transports });
    const got = [];
    socket.on("message-back", (n) => got.push(n));
    for (let i = 0; i < 1000; i++) {
      socket.emit("message", i);
    }
    await until("all are back", () => got.length === 1000);
    assert.deepEqual(got, Array.from({ length: 1000 }, (_, i) => i));
  });
}

test("a server that ends closes with 1001 and without 41; clients come back to the next one", async (t) => {
  const first = await startApp();
  const socket = io(first.url, { transports: ["websocket"], forceNew: true, reconnection: false });
  t.after(() => socket.disconnect());
  await next(socket, "connect");
  const gone = next(socket, "disconnect");
  await first.stop();
  const [reason, details] = await gone;
  assert.equal(reason, "transport close");
  assert.equal(details.context.code, 1001);
  assert.ok(first.log.includes('disconnect reason="server shutting down"'));
});

async function runPython(program, transports) {
  const python = spawn("/usr/bin/python3", ["-c", program, app.url, transports], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  python.stdout.on("data", (chunk) => { output += chunk; });
  python.stderr.on("data", (chunk) => { output += chunk; });
  const [code] = await once(python, "exit");
  assert.equal(code, 0, output);
  assert.match(output, /done/);
}

const PYTHON = `
import sys, time, socketio
sio = socketio.Client(reconnection=False)
TRANSPORTS = sys.argv[2].split(",")
seen = []
sio.on("auth", lambda a: seen.append(a))
sio.on("message-back", lambda *a: sio.call and seen.append(list(a)))
sio.connect(sys.argv[1], transports=TRANSPORTS, auth={"token": "p"}, wait_timeout=10)
assert sio.call("message-with-ack", ("x", 2), timeout=10) == ("x", 2)
sio.emit("message", ("y", {"z": [1, None]}))
assert sio.call("message-with-ack", "last", timeout=10) == "last"
assert seen == [{"token": "p"}, ["y", {"z": [1, None]}]], seen
floods = []
sio.on("flood", floods.append)
sio.emit("flood", ("f", 100))  # more than one answer to a GET may hold
assert sio.call("message-with-ack", b"\\x00\\x01", timeout=10) == b"\\x00\\x01"
end = time.monotonic() + 10
while len(floods) < 100 and time.monotonic() < end:
    time.sleep(0.01)
assert len(floods) == 100, len(floods)
assert sio.transport() == TRANSPORTS[-1], sio.transport()
sio.disconnect()
custom = socketio.Client(reconnection=False)
custom.connect(sys.argv[1], transports=TRANSPORTS, namespaces=["/custom"], wait_timeout=10)
custom.disconnect()
refused = socketio.Client(reconnection=False)
try:
    refused.connect(sys.argv[1], transports=TRANSPORTS, auth={"refuse": 1}, wait_timeout=3)
    sys.exit("was let in")
except socketio.exceptions.ConnectionError:
    pass
print("done")
`;
for (const transports of ["websocket", "polling", "polling,websocket"]) {
  test(`Python over ${transports}: connect, auth, events, acks, a burst, binary, a namespace, a refusal`, async () => {
    await runPython(PYTHON, transports);
  });
}

const PYTHON_RETURNS = `
import sys, time, socketio
sio = socketio.Client(reconnection_delay=0.02, reconnection_delay_max=0.04)
seen = []
sio.on("connect", lambda: seen.append("connect"))
sio.on("disconnect", lambda: seen.append("disconnect"))
def until(wanted):
    end = time.monotonic() + 15
    while seen != wanted and time.monotonic() < end:
        time.sleep(0.01)
    assert seen == wanted, seen
sio.connect(sys.argv[1], transports=sys.argv[2].split(","), wait_timeout=10)
until(["connect"])
for i in range(1, 3):
    sio.emit("close")
    until(["connect"] + ["disconnect", "connect"] * i)
    assert sio.call("message-with-ack", "back", timeout=10) == "back"
sio.emit("kick-all")
until(["connect"] + ["disconnect", "connect"] * 2 + ["disconnect"])
sio.eio.wait()
time.sleep(0.5)  # ten times as long as it waits before it tries again
assert len(seen) == 6 and not sio.connected, seen
print("done")
`;
for (const transports of ["websocket", "polling", "polling,websocket"]) {
  test(`Python over ${transports}: comes back by itself when it was closed, not when it was kicked`, async () => {
    await runPython(PYTHON_RETURNS, transports);
  });
}

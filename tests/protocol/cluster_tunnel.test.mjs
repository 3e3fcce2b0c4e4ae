/* cluster_tunnel.test.mjs - WebSockets that are carried to another server: how they begin and end */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startCluster } from "../support/random_door.mjs";
import { RawPoll } from "../support/raw_poll.mjs";
import { askRaw, echo, OP, RawWs, upgradeRequest } from "../support/raw_ws.mjs";
import { frame } from "../support/frames.mjs";
import { until } from "../support/wait.mjs";

const MAX_PAYLOAD = 100_000;
let owner;
let other;
before(async () => {
  [owner, other] = await startCluster(["anna", "bert"], { PING_INTERVAL_MS: 20_000, PING_TIMEOUT_MS: 20_000, MAX_PAYLOAD });
});
after(() => Promise.all([owner.stop(), other.stop()]));

const requestFor = (poll) => upgradeRequest({ target: poll.target({ transport: "websocket" }) });

async function carried(poll) {
  const ws = new RawWs(other.port, requestFor(poll), frame("2probe"));
  assert.equal(await ws.readText(), "3probe", "also when it was sent with the handshake");
  ws.text("5");
  await echo(ws);
  return ws;
}

/* Much that nobody answers, and then the end of the namespace: 8 MB, more than the sockets between
 * client and owner hold. */
function sayMuchAndLeave(ws, messages = 80) {
  const text = `42["nothing","${"x".repeat(MAX_PAYLOAD - 20)}"]`;
  for (let i = 0; i < messages; i++) {
    ws.text(text);
  }
  ws.text("41");
}

async function reasonAtOwner(from) {
  const line = /disconnect reason="([^"]*)"/;
  await until("the owner has seen it go", () => line.test(owner.log.slice(from)));
  return line.exec(owner.log.slice(from))[1];
}

for (const [label, leave] of [
  ["a close frame", (ws) => ws.frame(Buffer.from([0x03, 0xe8]), { opcode: OP.close })],
  ["a close frame with a code of its own", (ws) => ws.frame(Buffer.from([0x0f, 0xa0]), { opcode: OP.close })],
  ["the end of the stream", (ws) => ws.socket.end()],
]) {
  test(`what a client sent before ${label} reaches the owner`, async () => {
    const poll = await RawPoll.join(owner);
    const ws = await carried(poll);
    const from = owner.log.length;
    sayMuchAndLeave(ws);
    leave(ws);
    assert.equal(await reasonAtOwner(from), "client namespace disconnect");
    await until("it is closed", () => ws.gone);
    await until("the owner has forgotten it", () => poll.isGone());
  });
}

test("both ends of a tunnel are watched by the kernel: nobody else would notice that they are gone", async () => {
  const ws = await carried(await RawPoll.join(owner));
  const timers = async () => {
    const { stdout } = await promisify(execFile)("ss", ["-H", "-tnpo", "state", "established"]);
    return stdout.split("\n").filter((line) => line.includes(`pid=${other.pid},`)).map((line) => /timer:\((\w+)/.exec(line)?.[1]);
  };
  await until("nothing waits to be acknowledged, and both are asked after a while", async () => {
    const all = await timers();
    return all.length === 2 && all.every((timer) => timer === "keepalive");
  });
  ws.destroy();
});

test("an owner that stands still holds the client back, and gets it all when it goes on", async () => {
  const ws = await carried(await RawPoll.join(owner));
  const from = owner.log.length;
  owner.signal("SIGSTOP");
  try {
    sayMuchAndLeave(ws, 300);
    for (let i = 0; i < 100; i++) { /* turns of the other server, in which it may read on */
      await askRaw(other.port, "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    assert.ok(!ws.gone && ws.socket.writableLength > 0, "it is held back");
  } finally {
    owner.signal("SIGCONT");
  }
  assert.equal(await reasonAtOwner(from), "client namespace disconnect");
  ws.destroy();
});

test("a client that vanishes in the middle of a message: the owner sees it go", async () => {
  const ws = await carried(await RawPoll.join(owner));
  const from = owner.log.length;
  ws.send(frame("4".repeat(50_000)).subarray(0, 30_000));
  ws.destroy();
  assert.equal(await reasonAtOwner(from), "transport close");
});

test("nothing is accepted that the owner refuses: its own answer is what the client gets", async () => {
  const poll = await RawPoll.join(owner);
  const ws = await carried(poll);
  const direct = await askRaw(owner.port, requestFor(poll));
  const far = await askRaw(other.port, requestFor(poll));
  assert.deepEqual([far.status, far.body], [direct.status, direct.body]);
  assert.equal(far.status, 400);
  await echo(ws);
  ws.destroy();
  poll.sid = `anna.${"a".repeat(24)}`;
  const unknown = await askRaw(other.port, requestFor(poll));
  assert.deepEqual([unknown.status, JSON.parse(unknown.body).code], [400, 1]);
});

test("a server that is killed: what it carried is closed, and refused from then on", async () => {
  const [ida, jon] = await startCluster(["ida", "jon"], { PING_INTERVAL_MS: 20_000 });
  try {
    const poll = await RawPoll.join(ida);
    const ws = new RawWs(jon.port, requestFor(poll), frame("2probe"));
    assert.equal(await ws.readText(), "3probe");
    ida.signal("SIGKILL");
    assert.equal(await ws.readClose(), 1005);
    await until("it is closed", () => ws.gone);
    assert.equal((await askRaw(jon.port, requestFor(poll))).status, 400);
  } finally {
    await jon.stop();
  }
});

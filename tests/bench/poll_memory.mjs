/* poll_memory.mjs - resident memory of the server for each idle Socket.IO client, by how it is connected
 *
 * usage: node tests/bench/poll_memory.mjs [RUNS] [CONNECTIONS...]
 *
 *     held       connected by polling alone: joined, and its GET is held
 *     upgraded   the same, and then upgraded to a WebSocket; its polling connection is closed
 *     kept       upgraded, but its polling connection stays open, idle: so browsers do for a while
 *     born       connected by a WebSocket alone
 *
 * Starts the conformance application (PARLEY_BIN, default build/release) anew for each figure, opens
 * the connections from loopback, joins "/" on each, waits until nothing moves, and divides the growth
 * of VmRSS behind the first hundred by their number.  Prints the median of the runs with the least
 * and the most.  Sanitizer builds measure themselves rather than the server. */
import { readdirSync, readFileSync } from "node:fs";
import net from "node:net";
import { frame, startApp, upgradeRequest } from "../support/raw_ws.mjs";
import { target } from "../support/raw_poll.mjs";
import { until } from "../support/wait.mjs";

const runs = Number(process.argv[2] ?? 3);
const counts = process.argv.length > 3 ? process.argv.slice(3).map(Number) : [2000, 5000];
const FIRST = 100; /* what they cost once is not counted */
const AT_ONCE = 50;
process.env.PARLEY_BIN ??= "build/release";

/* A socket whose bytes are waited for and forgotten. */
class Wire {
  #text = "";
  #waits;
  constructor(port) {
    this.socket = net.connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    this.socket.on("data", (part) => { this.#text += part.toString("latin1"); this.#look(); });
    this.socket.on("error", (error) => this.#waits?.reject(error));
    this.socket.on("close", () => this.#waits?.reject(new Error(`closed before ${this.#waits.what}: ${this.#text}`)));
  }
  #look() {
    const at = this.#waits ? this.#text.search(this.#waits.what) : -1;
    if (at >= 0) {
      const { resolve } = this.#waits;
      const text = this.#text;
      this.#waits = undefined;
      this.#text = "";
      resolve(text);
    }
  }
  send(bytes) { this.socket.write(bytes); }
  wait(what) {
    return new Promise((resolve, reject) => { this.#waits = { what, resolve, reject }; this.#look(); });
  }
  ask(bytes, what) {
    this.send(bytes);
    return this.wait(what);
  }
  end() { this.socket.destroy(); }
}

const HEADERS = "Host: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: node-XMLHttpRequest\r\nConnection: keep-alive\r\n";
const getRequest = (sid) => `GET ${target({ sid })} HTTP/1.1\r\n${HEADERS}\r\n`;
const postRequest = (sid, body) => `POST ${target({ sid })} HTTP/1.1\r\n${HEADERS}Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/* Joined by polling; the next GET is not sent yet. */
async function poll(app) {
  const wire = new Wire(app.port);
  wire.sid = /"sid":"([^"]+)"/.exec(await wire.ask(getRequest(), /\}$/))[1];
  await wire.ask(postRequest(wire.sid, "40"), /ok$/);
  await wire.ask(getRequest(wire.sid), /42\["auth",\{\}\]$/);
  return wire;
}

async function held(app) {
  const wire = await poll(app);
  wire.send(getRequest(wire.sid));
  return [wire];
}

/* Is the GET of that one held?  Then an event reaches it there. */
async function proveHeld(app, wire) {
  const other = new Wire(app.port);
  const answer = wire.wait(/message-back/);
  await other.ask(postRequest(wire.sid, '42["message","x"]'), /ok$/);
  await answer;
  other.end();
}

async function kept(app) {
  const wire = await poll(app);
  const ws = new Wire(app.port);
  wire.send(getRequest(wire.sid));
  await ws.ask(upgradeRequest({ target: `/socket.io/?EIO=4&transport=websocket&sid=${wire.sid}` }), /\r\n\r\n$/);
  const last = wire.wait(/\r\n\r\n6$/);
  await ws.ask(frame("2probe"), /3probe$/);
  await last;
  ws.send(frame("5"));
  await ws.ask(frame('42["message","x"]'), /message-back/);
  return [ws, wire];
}

async function upgraded(app) {
  const [ws, wire] = await kept(app);
  wire.end();
  return [ws];
}

async function born(app) {
  const ws = new Wire(app.port);
  await ws.ask(upgradeRequest(), /\{"sid".*\}$/);
  await ws.ask(frame("40"), /42\["auth",\{\}\]$/);
  return [ws];
}

const rssOf = (app) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, "utf8"))[1]) * 1024;
const socketsOf = (app) => readdirSync(`/proc/${app.pid}/fd`).length;

async function calm(app) {
  let last = -1;
  await until("nothing moves", () => { const now = rssOf(app); const same = now === last; last = now; return same; }, { timeout: 60_000, every: 300 });
  return last;
}

async function open(app, way, n, wires) {
  for (let i = 0; i < n; i += AT_ONCE) {
    const some = await Promise.all(Array.from({ length: Math.min(AT_ONCE, n - i) }, () => way(app)));
    wires.push(...some.flat());
  }
}

async function measure(way, count) {
  const app = await startApp({ PING_INTERVAL_MS: 3_600_000, CONNECT_TIMEOUT_MS: 3_600_000 });
  const wires = [];
  await open(app, way, FIRST, wires);
  const base = await calm(app);
  await open(app, way, count - FIRST, wires);
  const each = (await calm(app) - base) / (count - FIRST);
  if (socketsOf(app) < wires.length) {
    throw new Error("the server has not kept all connections");
  }
  if (way === held) {
    await Promise.all(wires.map((wire) => proveHeld(app, wire)));
  }
  wires.forEach((wire) => wire.end());
  await app.stop();
  return { base, each };
}

for (const way of [held, upgraded, kept, born]) {
  for (const count of counts) {
    const found = [];
    for (let run = 0; run < runs; run++) {
      found.push(await measure(way, count));
    }
    found.sort((a, b) => a.each - b.each);
    const [least, median, most] = [found[0], found[found.length >> 1], found.at(-1)].map(({ each }) => each.toFixed(0));
    console.log(`${way.name.padEnd(9)} ${String(count).padStart(5)} connections: ${median} B each (${least} to ${most}), base ${(found[0].base / 1048576).toFixed(1)} MB`);
  }
}

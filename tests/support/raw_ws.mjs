/* raw_ws.mjs - a WebSocket client over a plain socket that hides nothing, and the conformance
 * application to try it on
 *
 * Unlike frames.mjs it answers nothing by itself, and it keeps every frame that comes. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import net from "node:net";
import path from "node:path";
import { frame } from "./frames.mjs";
import { ownPort } from "./own_port.mjs";
import { until } from "./wait.mjs";

export { frame };
export const OP = { continued: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/* ---- The application ---- */

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => { socket.destroy(); resolve(true); });
    socket.on("error", () => resolve(false));
  });
}

/* Starts it with these settings on a free port; stop() checks that it ended as it should. */
export async function startApp(settings = {}, bin = process.env.PARLEY_BIN ?? path.resolve("build/asan")) {
  const port = settings.PORT ?? await ownPort();
  const healthPort = await ownPort();
  const env = { ...process.env, PORT: String(port), HEALTH_PORT: String(healthPort) };
  for (const [name, value] of Object.entries(settings)) {
    env[name] = String(value);
  }
  const child = spawn(path.join(bin, "parley-conformance"), { env, stdio: ["ignore", "ignore", "pipe"] });
  const app = { port, healthPort, pid: child.pid, url: `http://127.0.0.1:${port}`, log: "", ended: undefined };
  child.stderr.on("data", (chunk) => { app.log += chunk; });
  child.on("exit", (code, signal) => { app.ended = { code, signal }; });
  child.on("error", (error) => { app.ended = { error }; });
  app.signal = (name) => child.kill(name);
  app.stop = async () => {
    child.kill("SIGTERM");
    await until("the application has ended", () => app.ended);
    if (app.ended.code !== 0) {
      throw new Error(`the application ended with ${JSON.stringify(app.ended)}:\n${app.log}`);
    }
  };
  await until(`the application listens; log: ${app.log}`, async () => {
    if (app.ended) {
      throw new Error(`the application did not start: ${app.log}`);
    }
    return await answers(port) && await answers(healthPort);
  });
  return app;
}

/* ---- HTTP ---- */

export const WS_PATH = "/socket.io/?EIO=4&transport=websocket";

export function upgradeRequest({ method = "GET", target = WS_PATH, headers = {}, drop = [] } = {}) {
  const all = {
    Host: "127.0.0.1", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"), ...headers,
  };
  for (const name of drop) {
    delete all[name];
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/* Sends bytes, resolves to {status, headers, body} of the answer, or status 0 when the server hangs
 * up without one.  Reads to the end of the connection or of the announced body. */
export function askRaw(port, bytes) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    const finish = () => { socket.destroy(); resolve(parseAnswer(text)); };
    socket.setTimeout(15_000, () => { socket.destroy(); reject(new Error(`no end of the answer: ${text}`)); });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const answer = parseAnswer(text);
      if (answer.status === 101 || (answer.status && answer.body.length >= Number(answer.headers["content-length"] ?? Infinity))) {
        finish();
      }
    });
    socket.on("end", finish);
    socket.on("error", (error) => (error.code === "ECONNRESET" ? finish() : reject(error)));
  });
}

function parseAnswer(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) {
    return { status: 0, headers: {}, body: "" };
  }
  const [first, ...lines] = text.slice(0, end).split("\r\n");
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(first.split(" ")[1]), headers, body: text.slice(end + 4) };
}

/* ---- WebSocket ---- */

export class RawWs {
  frames = []; /* {opcode, fin, payload, at} of all that came, `at` in ms */
  head = ""; /* of the HTTP answer */
  gone = false;
  paused = false;
  #rest = Buffer.alloc(0);
  #next = 0; /* the frame that read() hands out next */

  constructor(port, request, extra = Buffer.alloc(0)) {
    this.asked = performance.now(); /* the server cannot have opened it before */
    this.socket = net.connect(port, "127.0.0.1", () => this.socket.write(Buffer.concat([Buffer.from(request), extra])));
    this.socket.setNoDelay(true);
    this.socket.on("data", (chunk) => this.#take(chunk));
    for (const event of ["end", "close", "error"]) {
      this.socket.on(event, () => { this.gone = true; });
    }
  }

  #take(chunk) {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
    if (!this.head) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) {
        return;
      }
      this.head = this.#rest.subarray(0, end).toString("latin1");
      this.#rest = this.#rest.subarray(end + 4);
    }
    let at = 0;
    for (;;) {
      const f = parseFrame(this.#rest, at);
      if (!f) {
        break;
      }
      at = f.end;
      this.frames.push({ opcode: f.opcode, fin: f.fin, payload: f.payload, at: performance.now() });
    }
    this.#rest = this.#rest.subarray(at);
  }

  send(bytes) {
    this.socket.write(bytes);
  }
  frame(payload, options) {
    this.send(frame(payload, options));
  }
  text(payload) {
    this.frame(payload);
  }
  binary(payload) {
    this.frame(payload, { opcode: OP.binary });
  }

  /* The next frame, in order. */
  async read(what = "a frame") {
    await until(`${what} comes`, () => this.frames.length > this.#next || this.gone, { every: 2 });
    if (this.frames.length <= this.#next) {
      throw new Error(`the connection ended instead of ${what}`);
    }
    return this.frames[this.#next++];
  }
  /* The next text that is no heartbeat. */
  async readText(what = "a text") {
    for (;;) {
      const f = await this.read(what);
      if (f.opcode === OP.close) {
        throw new Error(`closed (${closeCode(f)}) instead of ${what}`);
      }
      if (f.opcode === OP.text && f.payload.toString() !== "2") {
        return f.payload.toString();
      }
    }
  }
  /* Skips what still comes; the code of the close frame (1005: none in it), or "ended". */
  async readClose() {
    await until("the connection is closed", () => this.gone || this.frames.some((f) => f.opcode === OP.close), { every: 2 });
    const close = this.frames.find((f) => f.opcode === OP.close);
    return close ? closeCode(close) : "ended";
  }
  texts() {
    return this.frames.filter((f) => f.opcode === OP.text).map((f) => f.payload.toString());
  }
  destroy() {
    this.socket.destroy();
  }
}

export function closeCode(f) {
  return f.payload.length >= 2 ? f.payload.readUInt16BE(0) : 1005;
}

function parseFrame(bytes, from) {
  if (bytes.length - from < 2) {
    return undefined;
  }
  const size = bytes[from + 1] & 0x7f;
  const head = size === 126 ? 4 : size === 127 ? 10 : 2;
  if (bytes.length - from < head) {
    return undefined;
  }
  const length = size === 126 ? bytes.readUInt16BE(from + 2) : size === 127 ? Number(bytes.readBigUInt64BE(from + 2)) : size;
  const start = from + head;
  if (bytes.length < start + length) {
    return undefined;
  }
  return { opcode: bytes[from] & 0x0f, fin: bytes[from] >= 0x80, payload: bytes.subarray(start, start + length), end: start + length };
}

/* An Engine.IO session over WebSocket: the open packet has been read into `hello`. */
export async function openWs(app, target = WS_PATH, options = {}) {
  const ws = new RawWs(app.port, upgradeRequest({ target, ...options }));
  const first = await ws.readText("the open packet");
  ws.hello = JSON.parse(first.slice(1));
  return ws;
}

/* The same, joined to "/": the CONNECT answer and the `auth` event have been read. */
export async function joinWs(app, auth = "") {
  const ws = await openWs(app);
  ws.text(`40${auth}`);
  ws.connected = await ws.readText("CONNECT");
  ws.auth = await ws.readText("the auth event");
  return ws;
}

/* Does the session live?  Its answer to a message comes back behind everything else. */
export async function echo(ws) {
  const mark = randomBytes(6).toString("hex");
  ws.text(`42["message","${mark}"]`);
  for (;;) {
    if (await ws.readText("the echo") === `42["message-back","${mark}"]`) {
      return;
    }
  }
}

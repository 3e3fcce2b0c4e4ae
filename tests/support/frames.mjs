/* frames.mjs - a WebSocket client that sends exactly the bytes that a test wants
 *
 * Knows RFC 6455's frames and nothing above them; text frames that come are kept, Engine.IO pings
 * are answered. */
import { randomBytes } from "node:crypto";
import http from "node:http";
import { until, WAIT_MS } from "./wait.mjs";

export const TEXT = 1;
export const BINARY = 2;
export const CONTINUED = 0;
const CLOSE = 8;
const PING = "2";
const PONG = "3";

/* A client's frame.  `announce` writes another length than the payload's (a BigInt). */
export function frame(payload, { opcode = TEXT, fin = true, announce, reserved = 0, mask = true } = {}) {
  const bytes = Buffer.from(payload);
  const length = announce ?? BigInt(bytes.length);
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const size = length < 126n ? Number(length) : length < 65536n ? 126 : 127;
  head.push((mask ? 0x80 : 0) | size);
  const extended = Buffer.alloc(size === 127 ? 8 : size === 126 ? 2 : 0);
  if (size === 127) {
    extended.writeBigUInt64BE(length);
  } else if (size === 126) {
    extended.writeUInt16BE(Number(length));
  }
  const key = mask ? randomBytes(4) : Buffer.alloc(0);
  const body = mask ? Buffer.from(bytes.map((byte, i) => byte ^ key[i & 3])) : bytes;
  return Buffer.concat([Buffer.from(head), extended, key, body]);
}

export class RawSocket {
  texts = []; /* payloads of text frames that came, Engine.IO pings left out */
  closed; /* {code} once a close frame came; code 1005: none was given */
  gone = false; /* the TCP connection has ended */
  mute = false; /* set: pings are no longer answered */
  #rest = Buffer.alloc(0);

  constructor(socket, head) {
    this.socket = socket;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("close", () => { this.gone = true; });
    socket.on("end", () => { this.gone = true; });
    socket.on("error", () => { this.gone = true; });
    this.#take(head);
  }

  #take(chunk) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let next = cut(this.#rest); next; next = cut(this.#rest)) {
      this.#rest = next.rest;
      this.#frame(next.opcode, next.payload);
    }
  }

  #frame(opcode, payload) {
    if (opcode === CLOSE) {
      this.closed = { code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005 };
      this.send(frame(payload, { opcode: CLOSE }));
    } else if (opcode === TEXT && payload.toString() === PING) {
      void (this.mute || this.text(PONG));
    } else if (opcode === TEXT) {
      this.texts.push(payload.toString());
    }
  }

  send(bytes) {
    return !this.gone && this.socket.writable && this.socket.write(bytes);
  }
  text(payload) {
    return this.send(frame(payload));
  }
  event(name, ...args) {
    return this.text(`42${JSON.stringify([name, ...args])}`);
  }

  /* The first text that fits. */
  waitText(what, fits) {
    return until(`${what}; came: ${this.texts.slice(-5).map((t) => t.slice(0, 100))}`, () => this.texts.find(fits));
  }
  /* Resolves to the close code, or to "ended" when the connection ended without a close frame. */
  async waitClosed() {
    await until("the connection is closed", () => this.closed || this.gone, { timeout: WAIT_MS });
    return this.closed ? this.closed.code : "ended";
  }
  destroy() {
    this.socket.destroy();
  }
}

/* The first whole frame of a server (never masked). */
function cut(bytes) {
  if (bytes.length < 2) {
    return undefined;
  }
  const size = bytes[1] & 0x7f;
  const start = size === 126 ? 4 : size === 127 ? 10 : 2;
  if (bytes.length < start) {
    return undefined;
  }
  const length = size === 126 ? bytes.readUInt16BE(2) : size === 127 ? Number(bytes.readBigUInt64BE(2)) : size;
  if (bytes.length < start + length) {
    return undefined;
  }
  return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

/* Opens a WebSocket of Engine.IO and waits for its open packet. */
export async function openRaw(base) {
  const url = new URL(base);
  const raw = await new Promise((resolve, reject) => {
    const req = http.request({
      host: url.hostname, port: url.port, path: "/socket.io/?EIO=4&transport=websocket", agent: false,
      headers: {
        Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      },
    });
    req.on("upgrade", (res, socket, head) => resolve(new RawSocket(socket, head)));
    req.on("response", (res) => reject(new Error(`handshake: ${res.statusCode}`)));
    req.on("error", reject);
    req.end();
  });
  await raw.waitText("the open packet", (text) => text.startsWith("0{"));
  return raw;
}

/* The same, connected to the chat with that token: the full list has come. */
export async function enterRaw(base, token) {
  const raw = await openRaw(base);
  raw.text(`40${JSON.stringify({ token })}`);
  await raw.waitText("the full list", (text) => text.startsWith('42["user_change_in",{"users"'));
  return raw;
}

/* http.mjs - plain HTTP requests with exactly the path and headers that a test wants */
import http from "node:http";
import https from "node:https";

/* Every token and password that a test ever got or used: none of them may stand in a log. */
export const secrets = new Set();

/* What is sent for `https:` must be proven by this certificate; set by the stack. */
let trusted;
export function trust(pem) {
  trusted = pem;
}
export function tlsOptions() {
  return { ca: trusted };
}

const WAIT_MS = 15_000;

/* Sends one request on a connection of its own.  The path is sent as it is, never normalised.
 * Resolves to {status, headers, body, json}; json is undefined when the body is none. */
export function request(base, path, { method = "GET", headers = {}, body } = {}) {
  const url = new URL(base);
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const req = (secure ? https : http).request({
      host: url.hostname, port: url.port, path, method, headers, agent: false, timeout: WAIT_MS,
      ...(secure ? tlsOptions() : {}),
    });
    req.on("timeout", () => req.destroy(new Error(`${method} ${path}: no answer in ${WAIT_MS} ms`)));
    req.on("error", reject);
    req.on("response", (res) => collect(res, resolve, reject));
    req.end(body);
  });
}

function collect(res, resolve, reject) {
  const chunks = [];
  res.on("data", (chunk) => chunks.push(chunk));
  res.on("error", reject);
  res.on("end", () => {
    const text = Buffer.concat(chunks).toString();
    resolve({ status: res.statusCode, headers: res.headers, body: text, json: parsed(text) });
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/* The status of a WebSocket handshake: 101, or what refused it. */
export function handshake(base, headers = {}, path = "/socket.io/?EIO=4&transport=websocket") {
  const url = new URL(base);
  return new Promise((resolve, reject) => {
    const req = http.request({
      host: url.hostname, port: url.port, path, agent: false, timeout: WAIT_MS,
      headers: {
        Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", ...headers,
      },
    });
    req.on("timeout", () => req.destroy(new Error("handshake: no answer")));
    req.on("error", reject);
    req.on("upgrade", (res, socket) => {
      socket.destroy();
      resolve({ status: res.statusCode });
    });
    req.on("response", (res) => collect(res, resolve, reject));
    req.end();
  });
}

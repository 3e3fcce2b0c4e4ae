/* lone_door.mjs - haproxy with the project's own haproxy.cfg, between us and two gullible services
 *
 * The services write down every request as it reached them, byte by byte, and say yes to all:
 * whatever asks for an upgrade gets 101.  What the door lets through is seen here, and what it holds
 * back can't have been held back by anybody else. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownPort } from "../support/own_port.mjs";
import { until } from "../support/wait.mjs";
import { Line } from "./bytes.mjs";

const CONFIG = process.env.PARLEY_HAPROXY_CFG ?? fileURLToPath(new URL("../../deploy/haproxy/haproxy.cfg", import.meta.url));

/* ---- A gullible service ---- */

class Service {
  requests = []; /* {head, body, connection} of those that came whole, in order */
  connections = 0;
  answer = (socket, request) => socket.write(/^upgrade:/im.test(request.head) ? agree(request) : ok("yes"));

  constructor() {
    this.server = net.createServer((socket) => this.#serve(socket, ++this.connections));
  }
  #serve(socket, connection) {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let next = wholeRequest(text); next; next = wholeRequest(text)) {
        text = next.rest;
        const request = { ...next, connection };
        this.requests.push(request);
        this.answer(socket, request);
      }
    });
  }
  async listen() {
    await new Promise((resolve) => { this.server.listen(0, "127.0.0.1", resolve); });
    this.port = this.server.address().port;
    return this;
  }
  /* The request that came last. */
  get last() {
    return this.requests.at(-1);
  }
}

export const ok = (body, headers = "") => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;

/* haproxy looks whether the answer fits to the key. */
function agree(request) {
  const accept = createHash("sha1").update(`${header(request, "Sec-WebSocket-Key")}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: ${header(request, "Upgrade")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

function wholeRequest(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) {
    return undefined;
  }
  const head = text.slice(0, end);
  const after = text.slice(end + 4);
  const chunked = /^transfer-encoding: *chunked/im.test(head);
  const size = chunked ? after.indexOf("0\r\n\r\n") + 5 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return after.length < size || (chunked && size < 5) ? undefined : { head, body: after.slice(0, size), rest: after.slice(size) };
}

/* The values of a header as it reached a service, with commas between; undefined: it did not. */
export function header(request, name) {
  const found = request.head.split("\r\n").filter((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return found.length > 0 ? found.map((text) => text.slice(name.length + 1).trim()).join(", ") : undefined;
}

/* ---- The door ---- */

/* As wherever there are gateways: deploy/haproxy/haproxy.cfg. */
const STICKS = `${/^# +(stick .*\n)# +(stick .*\n)/m.exec(readFileSync(CONFIG, "utf8")).slice(1).join("")}`;

function makeCertificate(dir) {
  const pem = join(dir, "door.pem");
  execFileSync("openssl", ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-newkey", "ec",
    "-pkeyopt", "ec_paramgen_curve:prime256v1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out", `${pem}.crt`], { stdio: "ignore" });
  return { pem, crt: `${pem}.crt` };
}

/* Starts it, with a gateway, or so many, or none; stop() ends haproxy by pid and looks at how it ended. */
export async function loneDoor(env = {}, { gateways = 1 } = {}) {
  const dir = await mkdtemp(join(tmpdir(), "parley-door-"));
  const [auth, gateway, ...others] = await Promise.all(Array.from({ length: Math.max(gateways, 1) + 1 }, () => new Service().listen()));
  const { pem, crt } = makeCertificate(dir);
  const [port, tlsPort] = [await ownPort(), await ownPort()];
  const servers = [["auth", [auth]], ["gateways", [gateway, ...others]]].map(([name, all]) =>
    `backend ${name} from to-${name}\n${name === "gateways" ? STICKS : ""}${all.map(({ port: p }, i) => `    server ${name}-${i} 127.0.0.1:${p}${name === "gateways" && gateways === 0 ? " disabled" : ""}\n`).join("")}`);
  await writeFile(join(dir, "servers.cfg"), servers.join(""));
  await writeFile(pem, readFileSync(pem, "utf8") + readFileSync(crt, "utf8"));
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "haproxy", "-db", "-f", CONFIG, "-f", join(dir, "servers.cfg")], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, BIND: "127.0.0.1", DOOR_PORT: port, DOOR_TLS_PORT: tlsPort,
      DOOR_CERT: pem, DOOR_HTTP_MS: "6000", DOOR_TUNNEL_MS: "60000", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  [child.stdout, child.stderr].forEach((stream) => stream.on("data", (chunk) => { log += chunk; }));
  const ended = new Promise((resolve) => { child.on("exit", (code, signal) => resolve({ code, signal })); });
  const to = { port, host: env.BIND };
  const door = {
    auth, gateway, gateways: [gateway, ...others], pid: child.pid, http: to, https: { ...to, port: tlsPort, tls: true, ca: readFileSync(crt) },
    async ask(text, { on = to, method = "GET" } = {}) {
      const line = new Line(on, method);
      line.send(text);
      const [answer] = await line.wait(1);
      line.close();
      return answer ?? { status: 0, head: "", body: "" };
    },
    async stop() {
      child.kill("SIGTERM");
      const how = await ended;
      [auth, gateway, ...others].forEach(({ server }) => server.close());
      await rm(dir, { recursive: true });
      assert.ok(how.signal === "SIGTERM" || how.code === 143, `${JSON.stringify(how)}: ${log}`); /* as haproxy ends */
    },
  };
  await until(`haproxy answers: ${log}`, async () => {
    assert.equal(child.exitCode, null, `haproxy ended: ${log}`);
    const line = new Line(to);
    line.send("GET /session HTTP/1.1\r\nHost: localhost\r\n\r\n");
    line.send("GET /socket.io/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const answers = await line.wait(2);
    line.close();
    return answers.length === 2 && answers[0].status === 200 && answers[1].status === (gateways > 0 ? 200 : 503);
  });
  auth.requests.length = gateway.requests.length = 0;
  return door;
}

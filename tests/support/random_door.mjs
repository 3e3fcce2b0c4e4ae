/* random_door.mjs - a load balancer without any memory: each request, also the next one on the same
 * connection, and each WebSocket goes to a random server
 *
 * When the client hangs up it hangs up too, and the other way round; a server that is not there is
 * a 502. */
import http from "node:http";
import net from "node:net";
import { ownPort } from "./own_port.mjs";
import { startApp } from "./raw_ws.mjs";

const HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

export class RandomDoor {
  perServer = new Map(); /* port -> requests and WebSockets that went there */
  unknownSids = 0; /* answers "Session ID unknown" */
  statuses = new Map(); /* status -> answers */
  #sockets = new Set();

  constructor(ports) {
    this.ports = ports;
    this.server = http.createServer((req, res) => this.#carry(req, res));
    this.server.on("upgrade", (req, socket, head) => this.#tunnel(req, socket, head));
    this.server.on("connection", (socket) => this.#keep(socket));
    this.server.keepAliveTimeout = 60_000;
  }

  static async open(ports) {
    const door = new RandomDoor(ports);
    await new Promise((resolve) => door.server.listen(0, "127.0.0.1", resolve));
    door.port = door.server.address().port;
    door.url = `http://127.0.0.1:${door.port}`;
    return door;
  }

  async close() {
    this.#sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.server.close(resolve));
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  }

  #pick() {
    const port = this.ports[Math.floor(Math.random() * this.ports.length)];
    this.perServer.set(port, (this.perServer.get(port) ?? 0) + 1);
    return port;
  }

  #carry(req, res) {
    const up = http.request({ host: "127.0.0.1", port: this.#pick(), method: req.method, path: req.url, headers: without(req.headers, HOP), agent: false });
    up.on("response", (answer) => {
      this.statuses.set(answer.statusCode, (this.statuses.get(answer.statusCode) ?? 0) + 1);
      if (answer.statusCode === 400) {
        answer.on("data", (chunk) => { this.unknownSids += chunk.includes('"code":1') ? 1 : 0; });
      }
      res.writeHead(answer.statusCode, without(answer.headers, HOP));
      answer.on("error", () => res.destroy());
      answer.pipe(res);
    });
    up.on("error", () => (res.headersSent || res.destroyed ? res.destroy() : res.writeHead(502).end()));
    res.on("close", () => up.destroy());
    req.on("error", () => up.destroy());
    req.pipe(up);
  }

  #tunnel(req, socket, head) {
    const lines = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
      lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}\r\n`);
    }
    const up = net.connect(this.#pick(), "127.0.0.1", () => {
      up.write(`${req.method} ${req.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      up.write(head);
      up.pipe(socket);
      socket.pipe(up);
    });
    this.#keep(up);
    up.on("close", () => socket.destroy());
    socket.on("close", () => up.destroy());
  }
}

function without(headers, names) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name)));
}

/* Conformance applications that know each other, under these names. */
export async function startCluster(names, settings = {}) {
  const ports = await Promise.all(names.map(() => ownPort()));
  const PEERS = names.map((name, i) => `${name}=${ports[i]}`).join(",");
  const apps = await Promise.all(names.map((NODE, i) => startApp({ ...settings, NODE, PEERS, PORT: ports[i] })));
  return apps.map((app, i) => Object.assign(app, { name: names[i] }));
}

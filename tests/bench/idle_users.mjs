/* idle_users.mjs - resident memory of a gateway for each idle, authenticated user
 *
 * usage: node tests/bench/idle_users.mjs [USERS]
 *
 * Starts the whole stack (PARLEY_BIN, default build/release) with one gateway, logs the users in,
 * connects each with its cookie over loopback, waits until Redis lists them all and nothing moves any
 * more, and divides the growth of the gateway's VmRSS, and of Redis' used_memory. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, existsSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frame, upgradeRequest } from "../support/raw_ws.mjs";
import { until } from "../support/wait.mjs";

const count = Number(process.argv[2] ?? 5000);
const AT_ONCE = 50;
const dir = mkdtempSync(join(tmpdir(), "parley-bench-"));
const stack = spawn("deploy/run", ["--bin", process.env.PARLEY_BIN ?? "build/release", "--dir", dir, "--no-restart", "--quiet"], {
  env: { ...process.env, DOOR_PORT: "0", GATEWAYS: "1", RATE_LOGINS: "1000000:1000000", PING_INTERVAL_MS: "600000", GRACE_S: "600" },
  stdio: "inherit",
});
const run = () => JSON.parse(readFileSync(join(dir, "run.json"), "utf8"));
await until("the stack answers", () => existsSync(join(dir, "run.json")) && run().ready, { timeout: 60_000 });
const find = (name) => run().processes.find((p) => p.name.startsWith(name));
const gateway = find("gateway");
const auth = find("auth");
const redis = (...args) => execFileSync("redis-cli", ["-s", run().redis.socket, ...args], { encoding: "utf8" }).trim();
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))[1]) * 1024;
const used = () => Number(/used_memory:(\d+)/.exec(redis("INFO", "memory"))[1]);

const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
const login = (name) => new Promise((resolve, reject) => {
  http.get({ port: auth.port, path: `/login/${name}`, agent }, (res) => {
    let body = "";
    res.on("data", (part) => { body += part; });
    res.on("end", () => (res.statusCode === 200 ? resolve(JSON.parse(body).token) : reject(new Error(body))));
  }).on("error", reject);
});

/* Opens a connection with the cookie, joins "/" and throws away whatever comes. */
const sockets = [];
function connect(token) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(gateway.port, "127.0.0.1", () => socket.write(upgradeRequest({ headers: { Cookie: `session=${token}` } })));
    let text = "";
    const onData = (part) => {
      text += part.toString("latin1");
      if (text.includes("0{\"sid\"") && !socket.joining) {
        socket.joining = true;
        socket.write(frame("40"));
      }
      if (text.includes("40{\"sid\"")) {
        socket.off("data", onData);
        socket.resume();
        resolve();
      }
    };
    socket.on("data", onData);
    socket.on("error", reject);
    sockets.push(socket);
  });
}

async function open(from, to) {
  for (let i = from; i < to; i += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, to - i) }, async (_, k) => connect(await login(`user-${i + k}`)));
    await Promise.all(batch);
  }
  await until("everybody is listed", () => Number(redis("SCARD", "{chat}:online")) === to, { timeout: 60_000 });
}

await open(0, AT_ONCE); /* what the first ones cost once */
const before = { rss: rss(), used: used() };
await open(AT_ONCE, count);
let last = -1;
await until("nothing grows or shrinks any more", () => { const now = rss(); const same = now === last; last = now; return same; }, { timeout: 60_000, every: 2000 });
const each = (from, to) => ((to - from) / (count - AT_ONCE)).toFixed(0);
console.log(`${count} users: gateway ${(before.rss / 1048576).toFixed(1)} MB before, ${each(before.rss, rss())} B each; redis ${each(before.used, used())} B each`);
sockets.forEach((s) => s.destroy());
stack.kill("SIGTERM");
await new Promise((resolve) => stack.on("exit", resolve));
rmSync(dir, { recursive: true });

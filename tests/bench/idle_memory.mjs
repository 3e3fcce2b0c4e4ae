/* idle_memory.mjs - resident memory of the server for each idle connection, and the CPU that it took to open
 *
 * usage: node tests/bench/idle_memory.mjs [CONNECTIONS] [raw|joined]
 *
 * Starts the conformance application (PARLEY_BIN, default build/release), opens the connections from
 * loopback, joins "/" on each, waits until all have their answer and nothing is queued, and divides
 * the growth of VmRSS.  Sanitizer builds measure themselves rather than the server. */
import { readFileSync } from "node:fs";
import { joinWs, openWs, startApp } from "../support/raw_ws.mjs";

const count = Math.min(Number(process.argv[2] ?? 5000), 5000);
const mode = process.argv[3] ?? "joined";
const AT_ONCE = 100;
process.env.PARLEY_BIN ??= "build/release";

const app = await startApp({ PING_INTERVAL_MS: 3_600_000, CONNECT_TIMEOUT_MS: 3_600_000 });
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, "utf8"))[1]) * 1024;

/* User and system time so far, in microseconds (ticks of 10 ms). */
const cpu = () => readFileSync(`/proc/${app.pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13).reduce((sum, t) => sum + Number(t) * 10_000, 0);

const sockets = [];
async function open(n) {
  for (let i = 0; i < n; i += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, n - i) }, () => (mode === "raw" ? openWs(app) : joinWs(app)));
    sockets.push(...await Promise.all(batch));
  }
}

await open(AT_ONCE); /* what the first ones cost once */
const before = rss();
const spent = cpu();
await open(count - AT_ONCE);
const after = rss();
const each = (value) => (value / (count - AT_ONCE)).toFixed(0);
console.log(`${count} connections (${mode}): base ${(before / 1048576).toFixed(1)} MB, ${each(after - before)} B and ${each(cpu() - spent)} µs each`);
sockets.forEach((s) => s.destroy());
await app.stop();

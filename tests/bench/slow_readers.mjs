/* slow_readers.mjs - what clients that never read cost the others: how long messages take
 *
 * usage: node tests/bench/slow_readers.mjs [SLOW] [MESSAGES_PER_S] [SECONDS] [PAIRS]
 *
 * Starts the whole stack (PARLEY_BIN, default build/release).  Ten healthy clients, five at each of two
 * gateways, hear a group in which one of them talks: PAIRS (5) times for SECONDS (10) alone, and as often
 * beside SLOW (200) new clients of one of the gateways that never read.  Which comes first alternates,
 * so that a machine that gets busier or calmer meanwhile does as much to the one as to the other.
 * Prints how long a message took from its sender to each of the others, the ratio of each pair, the
 * median of these, and how many of the slow ones were closed.  As root it keeps the other programs
 * of the machine from interfering. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, user } from "../support/client.mjs";
import { until } from "../support/wait.mjs";

/* stack.mjs reads it when it is loaded. */
process.env.PARLEY_BIN ??= "build/release";
const { Stack } = await import("../support/stack.mjs");

const [slow, rate, seconds, pairs] = [200, 100, 10, 5].map((fallback, i) => Number(process.argv[2 + i] ?? fallback));
const EACH = 10; /* connections of one slow user */
const LIMIT = 2;
const FILL = "x".repeat(4000);
const NEVER_READ = fileURLToPath(new URL("../support/never_read.py", import.meta.url));
const stack = new Stack({
  LOG_LEVEL: "warn", RATE_MESSAGES: "100000:100000", RATE_LOGINS: "100000:100000", GRACE_S: "2", LEASE_MS: "10000", PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000",
});

async function enter(name, i) {
  const { token } = await user(stack.door, name);
  return connect(stack.gateway(i), { token });
}

/* Nobody else takes the processor away from what a message passes through. */
function prefer() {
  const pids = ["redis", "gateway-1", "gateway-2"].map((name) => stack.process(name).pid);
  try {
    [process.pid, ...pids].forEach((pid) => execFileSync("chrt", ["-a", "-f", "-p", "1", `${pid}`], { stdio: "ignore" }));
  } catch {
    console.log("without root the other programs of the machine are measured, too");
  }
}

/* Talks for so long; the times in ms that each message took to each of the others, rising. */
async function talk(speaker, others, count = rate * seconds) {
  const took = [];
  const note = (m) => took.push(performance.now() - Number(m.message_text.split(" ")[0]));
  others.forEach(({ socket }) => socket.on("message_in", note));
  const start = performance.now();
  for (let n = 0; n < count; n++) {
    await pause(Math.max(0, start + (1000 * n) / rate - performance.now()));
    speaker.socket.emit("message_out", { receiver: "group", message_text: `${performance.now()} ${FILL}` });
  }
  await until("everything arrived", () => took.length === count * others.length);
  others.forEach(({ socket }) => socket.off("message_in", note));
  return took.sort((a, b) => a - b);
}

/* The same beside so many new clients that never read; they go afterwards. */
async function talkBesideSlow(speaker, others, pair) {
  const people = await Promise.all(Array.from({ length: Math.ceil(slow / EACH) }, (_, i) => user(stack.door, `slow${pair}-${i}`)));
  const child = spawn(NEVER_READ, [`${stack.process("gateway-2").port}`, `${EACH}`], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.write(people.map(({ token }) => `${token}\n`).join("") + "\n");
  await once(child.stdout, "data");
  const took = await talk(speaker, others);
  const served = await Promise.all(people.map(({ name }) => stack.servedBy(name)));
  closed.push(served.filter((at) => at.length === 0).length / people.length);
  child.stdin.end();
  await once(child, "exit");
  await until("the slow ones have left", async () => Number(await stack.redis("SCARD", "{chat}:online")) === others.length + 1, { timeout: 60_000 });
  return took;
}

const share = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
const median = (numbers) => share(numbers.toSorted((a, b) => a - b), 0.5);
const figures = (took) => `p50 ${share(took, 0.5).toFixed(2)}  p99 ${share(took, 0.99).toFixed(2)}  max ${took.at(-1).toFixed(2)} ms`;

const ratios = { p50: [], p99: [] };
const closed = []; /* the share of the slow users who were closed before a talk ended */
await stack.start();
try {
  const healthy = await Promise.all(Array.from({ length: 10 }, (_, i) => enter(`healthy${i}`, 1 + (i % 2))));
  const [speaker, ...others] = healthy;
  prefer();
  await talk(speaker, others); /* what is slow at first */
  for (let pair = 0; pair < pairs; pair++) {
    const beside = pair % 2 ? await talkBesideSlow(speaker, others, pair) : undefined;
    const alone = await talk(speaker, others);
    const took = { alone, beside: beside ?? (await talkBesideSlow(speaker, others, pair)) };
    ratios.p50.push(share(took.beside, 0.5) / share(took.alone, 0.5));
    ratios.p99.push(share(took.beside, 0.99) / share(took.alone, 0.99));
    console.log(`alone ${figures(took.alone)}   beside ${slow} slow ones ${figures(took.beside)}   p99 ${ratios.p99.at(-1).toFixed(2)} times as long`);
  }
  healthy.forEach((peer) => peer.close());
} finally {
  await stack.stop().finally(() => stack.remove());
}
for (const [name, all] of Object.entries(ratios)) {
  console.log(`${name}: ${median(all).toFixed(2)} times as long in the median of ${pairs} pairs, from ${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`);
}
console.log(`of the slow users ${closed.map((part) => `${(100 * part).toFixed(0)} %`).join(", ")} were closed meanwhile`);
const good = median(ratios.p99) <= LIMIT;
console.log(`at most ${LIMIT} times the p99: ${good ? "yes" : "no"}`);
process.exit(good ? 0 : 1);

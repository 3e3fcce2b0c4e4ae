/* slow_readers.mjs - what clients that never read cost the others: how long messages take, with and without
 *
 * usage: node tests/bench/slow_readers.mjs [SLOW] [MESSAGES_PER_S] [SECONDS]
 *
 * Starts the whole stack (PARLEY_BIN, default build/release).  Ten healthy clients, five at each of two
 * gateways, hear a group in which one of them talks; then the same once more, beside SLOW clients
 * (200) of one of the gateways that never read.  Prints how long a message took from its sender to
 * each of the others, and when the slow ones were closed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { user } from "../support/client.mjs";

process.env.PARLEY_BIN ??= "build/release";
const { Stack } = await import("../support/stack.mjs");
const { connect } = await import("../support/client.mjs");

const [slow, rate, seconds] = [200, 100, 10].map((fallback, i) => Number(process.argv[2 + i] ?? fallback));
const EACH = 10; /* connections of one slow user */
const FILL = "x".repeat(4000);
const stack = new Stack({
  LOG_LEVEL: "warn", RATE_MESSAGES: "100000:100000", RATE_LOGINS: "100000:100000", GRACE_S: "30", LEASE_MS: "10000", PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000",
});

async function enter(name, i) {
  const { token } = await user(stack.door, name);
  return connect(stack.gateway(i), { token });
}

/* Talks for so long; the times in ms that each message took to each of the others. */
async function talk(speaker, others) {
  const took = [];
  const note = (m) => took.push(performance.now() - Number(m.message_text.split(" ")[0]));
  others.forEach(({ socket }) => socket.on("message_in", note));
  const start = performance.now();
  for (let n = 0; n < rate * seconds; n++) {
    await pause(Math.max(0, start + (1000 * n) / rate - performance.now()));
    speaker.socket.emit("message_out", { receiver: "group", message_text: `${performance.now()} ${FILL}` });
  }
  await pause(2000);
  others.forEach(({ socket }) => socket.off("message_in", note));
  return took.sort((a, b) => a - b);
}

const share = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
function tell(label, took, sent) {
  console.log(`${label.padEnd(24)} p50 ${share(took, 0.5).toFixed(2)} ms   p99 ${share(took, 0.99).toFixed(2)} ms   max ${took.at(-1).toFixed(2)} ms   ${took.length} of ${sent} arrived`);
  return share(took, 0.99);
}

await stack.start();
try {
  const healthy = await Promise.all(Array.from({ length: 10 }, (_, i) => enter(`healthy${i}`, 1 + (i % 2))));
  const [speaker, ...others] = healthy;
  const sent = rate * seconds * others.length;
  await talk(speaker, others); /* what is slow at first */
  const alone = tell("alone", await talk(speaker, others), sent);

  const people = await Promise.all(Array.from({ length: Math.ceil(slow / EACH) }, (_, i) => user(stack.door, `slow${i}`)));
  const script = fileURLToPath(new URL("../support/never_read.py", import.meta.url));
  const child = spawn(script, [`${stack.process("gateway-2").port}`, `${EACH}`], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.write(people.map(({ token }) => `${token}\n`).join("") + "\n");
  await once(child.stdout, "data");
  const beside = tell(`beside ${people.length * EACH} slow ones`, await talk(speaker, others), sent);
  const left = (await Promise.all(people.map(({ name }) => stack.servedBy(name)))).filter((at) => at.length > 0).length;
  console.log(`p99 ${(beside / alone).toFixed(2)} times as long; of the slow users ${people.length - left} of ${people.length} were closed`);
  child.stdin.end();
  healthy.forEach((peer) => peer.close());
} finally {
  await stack.stop().finally(() => stack.remove());
}
process.exit(0);

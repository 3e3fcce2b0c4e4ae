/* addresses.test.mjs - the address that counts for RATE_LOGINS is the one that really connects */
import assert from "node:assert/strict";
import { test } from "node:test";
import { secrets } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { askToTheEnd } from "./bytes.mjs";

const BURST = 5;
const stack = useStack({ GATEWAYS: "1", RATE_LOGINS: `1:${BURST}`, PENDING_S: "3600" });

/* Logs in that often from that address, all at once; how often it was let in, and in which time. */
async function loginsFrom(to, prefix, count, headersOf) {
  const start = performance.now();
  const answers = await Promise.all(Array.from({ length: count }, (_, i) =>
    askToTheEnd(to, [`GET /login/${prefix}${i} HTTP/1.1`, "Host: localhost", "Connection: close", ...headersOf(i), "", ""].join("\r\n"))));
  const statuses = answers.map(([answer]) => answer?.status);
  answers.forEach(([answer]) => answer?.status === 200 && secrets.add(JSON.parse(answer.body).token));
  assert.ok(statuses.every((status) => [200, 429].includes(status)), `${statuses}`);
  const refilled = Math.ceil((performance.now() - start) / 1000);
  return { count: statuses.filter((status) => status === 200).length, most: BURST + refilled };
}

test("RATE_LOGINS counts by the address that really connects, whatever it says of itself", async () => {
  const { port, tls_port: tlsPort } = stack.run.door;
  const forged = (i) => [`X-Forwarded-For: 10.0.0.${i}`, `Forwarded: for=10.0.0.${i}`, `X-Real-IP: 10.0.0.${i}`, `X_Forwarded_For: 10.0.0.${i}`];
  for (const [name, to] of [["plain", { port, from: "127.0.0.2" }], ["secure", { port: tlsPort, tls: true, from: "127.0.0.3" }]]) {
    const { count, most } = await loginsFrom(to, name, 60, forged);
    assert.ok(count >= BURST && count <= most, `${count} of 60 logins, at most ${most}`);
  }
  const other = await loginsFrom({ port, from: "127.0.0.4" }, "other", BURST, () => ["X-Forwarded-For: 127.0.0.2"]);
  assert.equal(other.count, BURST, "another address has its own, and cannot use up those of others");
});

test("past the door, auth-svc believes X-Forwarded-For: its port must not be published", async () => {
  const { count } = await loginsFrom({ port: stack.process("auth-1").port }, "past", 60, (i) => [`X-Forwarded-For: 10.1.0.${i}`]);
  assert.equal(count, 60);
});

stack.lastTest();

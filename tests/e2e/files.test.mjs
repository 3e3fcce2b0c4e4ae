/* files.test.mjs - a gateway whose files strangers have used up, when it must connect to Redis anew */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { connect, user } from "../support/client.mjs";
import { request } from "../support/http.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const LIMIT = 200;
const stack = useStack({ GATEWAYS: "2", GRACE_S: "30" });

test("who is there goes on, and is seen by all: the links come back while strangers wait for files", async (t) => {
  const gateway = stack.process("gateway-1");
  const ann = await connect(stack.gateway(1), { token: (await user(stack.door, "ann")).token });
  const ben = await connect(stack.gateway(2), { token: (await user(stack.door, "ben")).token });
  execFileSync("prlimit", ["--pid", String(gateway.pid), `--nofile=${LIMIT}:${LIMIT}`]);
  const strangers = Array.from({ length: 2 * LIMIT }, () => net.connect(gateway.port, "127.0.0.1").on("error", () => {}));
  t.after(() => strangers.forEach((socket) => socket.destroy()));
  await until("strangers wait", () => readFileSync(gateway.log, "utf8").includes("cannot accept, connections wait"));
  const files = () => readdirSync(`/proc/${gateway.pid}/fd`).length;
  assert.ok(files() > LIMIT / 2 && files() < LIMIT, `${files()} files`);

  const runs = async () => Number(await stack.redis("HGET", "{chat}:presence", "link"));
  const before = await runs();
  await stack.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await stack.redis("CLIENT", "KILL", "TYPE", "pubsub");
  await until("it has a new link", async () => await runs() > before && (await request(`http://127.0.0.1:${gateway.health_port}`, "/readyz")).status === 200);
  await until("ann can write", async () => (await ann.ask("message_out", { receiver: "ben", message_text: "still here" })).ok);
  assert.deepEqual(ann.collect(":disconnect"), []);
  assert.ok(strangers.some((socket) => !socket.destroyed));
});

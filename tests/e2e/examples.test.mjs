/* examples.test.mjs - the programs that the README and PROTOCOL.md show, as they stand there */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { login, logout, Peer } from "../support/client.mjs";
import { useStack } from "../support/stack.mjs";
import { until } from "../support/wait.mjs";

const ROOT = path.resolve(import.meta.dirname, "../..");
const stack = useStack({ LEASE_MS: "2000" });

/* The block of code that begins so. */
async function shown(text, language, begin) {
  const blocks = [...(await readFile(path.join(ROOT, text), "utf8")).matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  const found = blocks.filter(([, of, code]) => of === language && code.startsWith(begin));
  assert.equal(found.length, 1, `${text}: ${begin}`);
  return found[0][2].replaceAll("http://localhost:5000", stack.door);
}

async function start(t, command, name, code) {
  const dir = await mkdtemp(path.join(tmpdir(), "parley-example-"));
  await writeFile(path.join(dir, name), code);
  await symlink(path.join(ROOT, "tests/node_modules"), path.join(dir, "node_modules"));
  const child = spawn(command, [name], { cwd: dir, env: { ...process.env, PYTHONUNBUFFERED: "1" } });
  const program = { said: "", ended: undefined, child };
  child.stdout.on("data", (chunk) => { program.said += chunk; });
  child.stderr.on("data", (chunk) => { program.said += chunk; });
  child.on("exit", (status, signal) => { program.ended = { status, signal }; });
  t.after(async () => {
    child.kill("SIGKILL");
    await until("it has ended", () => program.ended);
    await rm(dir, { recursive: true });
  });
  return program;
}

const EXAMPLES = [ /* in this order: the Python one writes to bob, who is us then */
  { what: "Python", text: "PROTOCOL.md", language: "python", begin: "import requests", command: "/usr/bin/python3", file: "chat.py", name: "carol", receiver: "bob" },
  { what: "JavaScript", text: "README.md", language: "js", begin: 'import { io }', command: process.execPath, file: "chat.mjs", name: "bob", receiver: "group" },
];
for (const { what, text, language, begin, command, file, name, receiver } of EXAMPLES) {
  test(`${what}: writes, hears, says that its name is taken, and misses nothing when its gateway dies`, async (t) => {
    const code = await shown(text, language, begin);
    const other = await login(stack.door, receiver === "group" ? "someone" : receiver);
    const enter = async (gateway) => {
      const peer = new Peer(stack.gateway(gateway), { token: other.json.token, transports: ["websocket"] });
      t.after(() => peer.close());
      await peer.waitFor("session");
      return peer;
    };
    t.after(() => logout(stack.door, other.json.username, other.json.token));
    const peer = await enter(1);

    const program = await start(t, command, file, code);
    const heard = await peer.waitFor("message_in", (m) => m.sender === name);
    assert.equal(heard.data.receiver, receiver);
    await until("its own message came back, and an answer", () => /Hello/.test(program.said) && /ok['"]?: ?[Tt]rue/.test(program.said) && /users:/.test(program.said));

    const second = await start(t, command, file, code);
    await until("it has ended", () => second.ended);
    assert.equal(second.ended.status, 1);
    assert.equal(second.said.trim(), "This name is logged in already.");

    for (const i of [1, 2]) { /* one of them has it */
      const writer = await enter(3 - i);
      await stack.signal(`gateway-${i}`, "SIGKILL");
      await writer.say(name, `after ${i}`);
      await stack.startAgain(`gateway-${i}`);
    }
    await until("it has heard both", () => /after 1\n[^]*after 2\n/.test(program.said), { timeout: 30_000 });
    assert.deepEqual([...program.said.matchAll(/after \d/g)].map(String), ["after 1", "after 2"]);
    assert.equal(program.ended, undefined);
  });
}

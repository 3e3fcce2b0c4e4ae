/* road.test.mjs - the end-to-end tests through the published door of containers, three gateways
 *
 * Runs the files of tests/e2e as they are, one after the other, against one project that is brought
 * up anew only where their settings contradict, and tells every test of theirs as one of ours. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { asProject } from "../support/compose_stack.mjs";
import { SHORT } from "../support/stack.mjs";
import { test, useProject } from "./project.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NODE = ["node", "--test-reporter=tap"];
const PYTHON = ["tests/run", "--python-file"];

/* Tests that cannot be told through the door, each with its reason; all others are run. */
const PLACED = "needs two sockets on one gateway: here the door chooses";
const SKIPPED = {
  "tests/e2e/bad_input.test.mjs": {
    "6 ways to a tunnel through the door are refused":
      "haproxy 3.0 takes h2c out of Upgrade before any rule: compose.test.mjs has its own table",
  },
  "tests/e2e/endings.test.mjs": {
    "more than MAX_SOCKETS_PER_USER (4) sockets of one session: the next is turned away, the others live": PLACED,
  },
  "tests/e2e/readable.test.mjs": {
    "GET gateway:<id>: a lease with TTL, address, version, connections; ZRANGE gateways; SMEMBERS of its users":
      "address and host are a container's: compose.test.mjs looks at them",
  },
};

/* What all of these files can bear; each makes sure that it got what it needs. */
const COMMON = {
  ...SHORT, AUTH_SVCS: "2", PRESENCE_SVCS: "2", MAX_SOCKETS_PER_USER: "4", RATE_LOGINS: "10000:10000",
  ALLOWED_ORIGINS: "http://friend.example, https://app.example:8443",
};
const GROUPS = [
  /* settings, files.  readable is first, because it looks at every key, one by one.  bad_input: much
   * fits into the sockets on the way to one who never reads; the heartbeat must not be first. */
  [{ ...COMMON, GRACE_S: "10", RATE_MESSAGES: "100000:100000", QUEUE_MAX_BYTES: "262144", PING_TIMEOUT_MS: "30000" }, ["readable", "bad_input"]],
  [COMMON, ["session", "race", "endings", "list", "messages", "python"]],
];

const project = useProject();

/* Runs a program; resolves to {code, output}. */
function runFile(argv, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: ROOT, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => { output += chunk; });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

const PATTERN = "test name does not match pattern";
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
const untap = (name) => name.replace(/\\([\\#])/g, "$1");

/* Points of the outermost level: {name, ok, skip}. */
function points(output) {
  return [...output.matchAll(/^(not )?ok (?:[0-9]+ )?- (.*?)(?: # (SKIP|TODO)\b *(.*))?$/gm)]
    .map(([, not, name, skip, reason]) => ({ name: untap(name), ok: !not, skip: skip && reason }));
}

/* What the file said about a point that failed: the text in front of it. */
function storyOf(output, index) {
  const bad = output.split("\n").flatMap((line, i, all) => (/^\s*not ok/.test(line) ? all.slice(i, i + 40) : []));
  return `point ${index + 1} failed:\n${(bad.length ? bad : output.split("\n").slice(-60)).slice(0, 200).join("\n")}`;
}

async function tell(t, file, { code, output }) {
  const reasons = SKIPPED[file] ?? {};
  const told = points(output);
  assert.ok(told.length > 1, `${file} ran something:\n${output.slice(-4000)}`);
  for (const [i, point] of told.entries()) {
    const skip = point.skip === PATTERN ? reasons[point.name] : point.skip;
    await t.test(point.name, { skip }, () => assert.ok(point.ok, storyOf(output, i)));
  }
  for (const name of Object.keys(reasons)) {
    assert.ok(told.some((point) => point.name === name && point.skip === PATTERN), `there is a test to skip: ${name}`);
  }
  assert.ok(code === 0 || told.some((point) => !point.ok), `${file} ended with ${code}:\n${output.slice(-4000)}`);
}

let dir;
after(() => dir && rm(dir, { recursive: true }));

/* The project with these settings, as the files under test are told of it. */
async function projectWith(env) {
  if (project.asked !== env) {
    const { settings, scale } = asProject(env);
    project.settings = settings;
    await project.up(scale);
    project.asked = env;
  }
  dir ??= await mkdtemp(join(tmpdir(), "parley-road-"));
  const cert = join(dir, "cert.pem");
  await writeFile(cert, project.pem);
  return JSON.stringify({ name: project.name, ports: project.ports, settings: env, cert });
}

for (const [settings, names] of GROUPS) {
  for (const name of names) {
    const isPython = name === "python";
    const file = isPython ? "tests/e2e/test_python.py" : `tests/e2e/${name}.test.mjs`;
    test(file, async (t) => {
      const env = { PARLEY_STACK: "compose", PARLEY_COMPOSE: await projectWith(settings) };
      const left = Object.keys(SKIPPED[file] ?? {});
      /* "<root>" is asked too, and its yes would be one for every test. */
      const pattern = left.length ? [`--test-name-pattern=/^(?!<root>$|(?:${left.map(escaped).join("|")})$)/`] : [];
      const argv = isPython ? [...PYTHON, "tests/compose/road_python.py"] : [...NODE, ...pattern, file];
      await tell(t, file, await runFile(argv, env));
    });
  }
}

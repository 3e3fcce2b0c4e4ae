/* readme.test.mjs - README's section on Docker, followed to the letter in a clean copy
 *
 * Every command of its code blocks, and every one between backquotes, is run as it stands, in order,
 * in one folder, with these liberties: `docker compose` is docker-compose where that is what there
 * is, `up` does not stay in the foreground, what follows a log is ended once it has said something,
 * and the door has a free port instead of 5000 and 5443. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { scene } from "../support/client.mjs";
import { composeCommand, NO_ENGINE, readText, ROOT, test, useProject } from "./project.mjs";

const project = useProject();
const FOLLOWS = /(^| )(-f|--follow)( |$)/; /* until somebody ends it */
const LINE_MS = 120_000;
let dir;

/* What is not run, and why. */
const LEFT_OUT = [
  [/^git pull/, "needs a registry and a repository to pull from"],
  [/--rmi\b|docker rmi\b/, "would take the images from the tests after this one"],
];

/* [{at: line number, command}] of the section whose title names Docker */
function commandsOf(markdown) {
  const found = [];
  let [inside, block] = [false, false];
  markdown.split("\n").forEach((line, i) => {
    const add = (command) => found.push({ at: i + 1, command });
    if (line.startsWith("```")) {
      block = inside && !block && /^```(sh|bash|console)?$/.test(line);
    } else if (!block && line.startsWith("## ")) {
      inside = line.includes("Docker");
    } else if (block) {
      [line.replace(/^\$ /, "").replace(/(^|\s)#.*$/, "").trim()].filter(Boolean).forEach(add);
    } else if (inside) {
      [...line.matchAll(/`((?:docker compose +[a-z]|docker rmi |curl |git pull &&)[^`]+)`/g)].forEach(([, command]) => add(command));
    }
  });
  return found;
}

function asRun(command) {
  const inBackground = /docker compose .*\bup\b/.test(command) && !/ (-d|--detach)\b/.test(command) ? `${command} -d` : command;
  const { port, tlsPort } = project.ports;
  /* exec wants a terminal, as people have one. */
  const atTerminal = /docker compose exec (?!.*-T\b)/.test(command) ? `script -qec '${inBackground}' /dev/null` : inBackground;
  return atTerminal.replace(/localhost:5000\b/g, `127.0.0.1:${port}`).replace(/localhost:5443\b/g, `127.0.0.1:${tlsPort}`);
}

/* Resolves to {code, said}; a line that follows something is ended once it has said something. */
function runLine(command) {
  return new Promise((resolve) => {
    let said = "";
    const env = { ...project.env, PATH: `${dir}/bin:${process.env.PATH}` };
    const child = execFile("bash", ["-c", `exec 2>&1; ${asRun(command)}`], { cwd: `${dir}/parley`, env, timeout: LINE_MS },
      (err) => resolve({ code: err && !(FOLLOWS.test(command) && said) ? err.code ?? err.signal : 0, said }));
    child.stdout.on("data", (chunk) => {
      said += chunk;
      void (FOLLOWS.test(command) && child.kill("SIGTERM"));
    });
  });
}

/* A folder with nothing but what the repository has, and `docker compose` as a command. */
async function makeCopy() {
  dir = await mkdtemp(join(tmpdir(), "parley-readme-"));
  const skip = [".git", ".env", "build", "node_modules"].map((name) => `--exclude=./${name} --exclude=./tests/${name}`).join(" ");
  execFileSync("sh", ["-c", `mkdir "$1/bin" "$1/parley" && tar -c -C "$2" ${skip} . | tar -x -C "$1/parley"`, "sh", dir, ROOT]);
  const real = execFileSync("sh", ["-c", "command -v docker"]).toString().trim();
  const words = composeCommand().join(" ").replace(/^docker /, `${real} `);
  await writeFile(`${dir}/bin/docker`, `#!/bin/sh\nif [ "$1" = compose ]; then shift; exec ${words} "$@"; fi\nexec ${real} "$@"\n`);
  await chmod(`${dir}/bin/docker`, 0o755);
}

if (!NO_ENGINE) {
  before(makeCopy);
  after(() => rm(dir, { recursive: true }));
}

/* What must be so after a line, beside its success. */
async function assertEffect(t, command, said) {
  if (/docker compose .*\b(up|start|restart)\b/.test(command)) {
    await project.ready();
    await project.trustDoor();
    assert.ok(!command.includes("mycert.pem") || project.pem.trim() === (await readFile(`${dir}/parley/cert.pem`, "utf8")).trim(), "the door shows the own certificate");
    const wanted = /gateway-svc=(\d+)/.exec(command)?.[1];
    const gateways = await project.containers("gateway-svc");
    assert.ok(!wanted || gateways.length === Number(wanted), `${gateways.length} gateways, not ${wanted}`);
    await chat(t);
  } else if (/docker compose .*\bdown\b/.test(command)) {
    assert.deepEqual(await project.containers(), [], "no container is left");
    assert.ok(!/ (-v|--volumes)\b/.test(command) || (await project.remains()).length === 0, "no volume is left");
  } else if (/\bcurl\b|redis-cli|docker compose .*\b(ps|logs)\b/.test(command)) {
    assert.notEqual(said.trim(), "", "it says something");
    assert.doesNotMatch(said, /"error"|NOPERM|NOAUTH|\(error\)/);
  }
}

async function chat(t) {
  const s = scene(t, project);
  const [one, two] = [await s.enter("one"), await s.enter("two")];
  const id = await one.say(two.name, "it works");
  await two.waitFor("message_in", (m) => m.message_id === id);
}

/* A certificate of somebody's own, where the line wants one. */
function makeCertificate() {
  execFileSync("sh", ["-c", `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj "/CN=of my own" -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2>&1 && cat cert.pem key.pem > mycert.pem`],
    { cwd: `${dir}/parley` });
}

test("README's section on Docker, line by line", async (t) => {
  const lines = commandsOf(await readText("README.md"));
  assert.ok(lines.length >= 8, `${lines.length} lines in README's section on Docker`);
  assert.ok(lines.some(({ command }) => /docker compose .*\bup\b/.test(command)));
  makeCertificate();
  for (const { at, command } of lines) {
    const skip = LEFT_OUT.find(([pattern]) => pattern.test(command))?.[1];
    await t.test(`README.md:${at} ${command}`, { skip }, async (t2) => {
      const { code, said } = await runLine(command);
      assert.equal(code, 0, `${command}: ${said}`);
      await assertEffect(t2, command, said);
    });
  }
});

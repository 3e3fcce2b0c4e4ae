/* terminal.mjs - the terminal client in a tmux of its own, and as a program in a pipe */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "./wait.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const PARLEY = join(resolve(ROOT, process.env.PARLEY_BIN ?? "build/asan"), "parley");
const run = promisify(execFile);

/* An environment in which nothing of the machine's shows. */
const ENV = { PATH: process.env.PATH, HOME: "/nonexistent", LANG: "C.UTF-8", TZ: "UTC",
  ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "", UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? "" };

/* ---- On a screen ---- */

/* tmux 3.3 now and then forgets how its child ended. */
const KEEP_STATUS = `sh -c 'echo $$ >"$0/pid"; exec "$@"' "$0" "$@"
echo $? >"$0/status.new"
mv "$0/status.new" "$0/status"
exec sleep 1000`;

export class Screen {
  #dir;
  #socket;

  /* parley with these arguments; gone when the test ends. */
  static async open(t, args, { columns = 90, rows = 14, env = {} } = {}) {
    const screen = new Screen();
    screen.#dir = await mkdtemp(join(tmpdir(), "parley-tmux-"));
    screen.#socket = join(screen.#dir, "tmux");
    const config = join(screen.#dir, "tmux.conf");
    await writeFile(config, "set -g status off\n");
    const variables = Object.entries({ ...ENV, ...env }).map(([name, value]) => `${name}=${value}`);
    t.after(() => screen.#close());
    /* tmux says which TERM; unless the test does. */
    const keep = env.TERM ? [] : ["TERM=$TERM"];
    const command = ["exec", "env", "-i", ...variables.map(quoted), ...keep, "sh", "-c",
      ...[KEEP_STATUS, screen.#dir, PARLEY, ...args].map(quoted)].join(" ");
    await run("tmux", ["-S", screen.#socket, "-f", config, "-u", "new-session", "-d", "-x", String(columns), "-y", String(rows), command],
      { env: { ...process.env, TMUX: "" } });
    return screen;
  }

  #tmux(...args) {
    return run("tmux", ["-S", this.#socket, ...args]);
  }
  async #close() {
    await this.#tmux("kill-server").catch(() => {}); /* it may have ended with its last window */
    await rm(this.#dir, { recursive: true, force: true });
  }

  /* What is to be seen, line by line; with colours as escapes if wanted. */
  async lines({ colours = false } = {}) {
    const { stdout } = await this.#tmux("capture-pane", "-p", ...(colours ? ["-e"] : []));
    return stdout.split("\n").slice(0, -1).map((line) => line.trimEnd());
  }
  async text() {
    return (await this.lines()).join("\n");
  }
  /* The same with what differs from run to run made equal. */
  async stable() {
    return (await this.text())
      .replace(/^\d\d:\d\d /gm, "HH:MM ")
      .replace(/^--- \w+, \d+ \w+ \d{4} ---/gm, "--- DAY ---")
      .replace(/ +│/gm, " │")
      .replace(/ +127\.0\.0\.1:\d+  /, "  SERVER  ")
      .split("\n");
  }

  async sees(wanted, options) {
    try {
      return await until(`the screen shows ${wanted}`, async () => {
        const text = await this.text();
        return (wanted instanceof RegExp ? wanted.test(text) : text.includes(wanted)) && text;
      }, options);
    } catch (err) {
      err.message += `; it shows:\n${await this.text()}`;
      throw err;
    }
  }
  misses(unwanted) {
    return until(`the screen shows no ${unwanted}`, async () => !(await this.text()).includes(unwanted));
  }

  type(text) {
    return this.#tmux("send-keys", "-l", "--", text);
  }
  /* As a terminal does it that marks what is pasted, if the program has asked for that. */
  async paste(text) {
    await this.#tmux("set-buffer", "--", text);
    await this.#tmux("paste-buffer", "-p");
  }
  press(...keys) {
    return this.#tmux("send-keys", ...keys);
  }
  async enter(text) {
    await this.type(text);
    await this.press("Enter");
  }
  resize(columns, rows) {
    return this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }
  async pid() {
    return Number(await readFile(join(this.#dir, "pid"), "utf8"));
  }
  /* How it ended. */
  async status() {
    const file = join(this.#dir, "status");
    try {
      return Number(await until("parley ends", () => readFile(file, "utf8").catch(() => undefined)));
    } catch (err) {
      err.message += `; the screen shows:\n${await this.text()}`;
      throw err;
    }
  }
}

function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/* ---- In a pipe ---- */

export class Pipe {
  out = "";
  err = "";

  constructor(t, args, { env = {} } = {}) {
    this.child = spawn(PARLEY, args, { env: { ...ENV, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout.on("data", (chunk) => { this.out += chunk; });
    this.child.stderr.on("data", (chunk) => { this.err += chunk; });
    this.child.stdin.on("error", () => {}); /* it may end before it has read all */
    this.ended = new Promise((done) => { this.child.on("close", (code, signal) => done(code ?? signal)); });
    t.after(async () => {
      this.child.kill("SIGKILL");
      await this.ended;
    });
  }
  write(text) {
    this.child.stdin.write(text);
  }
  /* All that it shall read; resolves to how it ended. */
  async finish(text = "") {
    this.child.stdin.end(text);
    return this.status();
  }
  async status() {
    const status = await this.ended;
    assert.doesNotMatch(this.err, /Sanitizer|runtime error/, "no sanitizer complains");
    return status;
  }
  /* Without their times. */
  get lines() {
    return this.out.split("\n").slice(0, -1).map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));
  }
  get events() {
    return this.out.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }
  sees(wanted, options) {
    return until(`the output has ${wanted}`, () => (wanted instanceof RegExp ? wanted.test(this.out) : this.out.includes(wanted)), options)
      .catch((err) => { err.message += `; it is:\n${this.out}${this.err}`; throw err; });
  }
}

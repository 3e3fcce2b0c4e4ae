/* redis_lines.mjs - every redis-cli line of the project's texts, to be run as people would
 *
 * A line is what stands behind `redis-cli` in a code block or between backquotes, and each cell of
 * a column `look` in a table.  Where Redis is (-s ..., docker compose exec redis) is left out: the
 * one who runs it knows. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connect, user } from "../support/client.mjs";
import { until } from "../support/wait.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CALL = /(?:^|[\s`])redis-cli((?: +-s +\S+| +-e\b)*)((?: +[^\s#][^#]*)?)/;

/* [{ where: "README.md:12", text: "SMEMBERS {chat}:online" }] */
export function documentedLines() {
  const lines = [];
  for (const file of readdirSync(ROOT).filter((name) => name.endsWith(".md")).sort()) {
    lines.push(...linesOf(file, readFileSync(ROOT + file, "utf8")));
  }
  return lines;
}

export function linesOf(file, markdown) {
  const found = [];
  let block = false;
  let look = false; /* in a table whose last column is called so */
  markdown.split("\n").forEach((line, i) => {
    const add = (text) => found.push({ where: `${file}:${i + 1}`, text: text.trim() });
    if (line.startsWith("```")) {
      block = !block;
    } else if (block) {
      commands([line]).forEach(add);
    } else {
      const cells = line.startsWith("|") ? line.split("|").map((cell) => cell.trim()) : [];
      look = cells.length > 0 && (look || cells.at(-2) === "look");
      commands(line.match(/`[^`]+`/g) ?? []).forEach(add);
      if (look) {
        (cells.at(-2).match(/`([^`]+)`/g) ?? []).map((code) => code.slice(1, -1)).filter((code) => !code.includes("redis-cli")).forEach(add);
      }
    }
  });
  return found;
}

/* What is asked of Redis; nothing where redis-cli is only named, or started without a command. */
function commands(pieces) {
  return pieces.map((piece) => CALL.exec(piece.replaceAll("`", " "))?.[2].trim())
    .filter((text) => text && /^[A-Z]/.test(text));
}

/* ---- Running ---- */

/* What a line tells at least, while alice is online and has written something, and bob is in grace.
 * What stands nowhere here tells anything at all, and a number above 0. */
const TELLS = [
  [/^FCALL_RO parley_who /, /^alice: online for [\s\S]*^bob: .*in grace/m],
  [/^FCALL parley_kick /, /^kicked \w+$/],
  [/^SMEMBERS \{chat\}:online$/, /^alice$/m],
  [/^SMEMBERS \{chat\}:lapsed$/, /^([\w.:-]+\n?)*$/], /* may be empty */
  [/^HGETALL \{chat\}:user:alice$/, /^at:/m],
  [/^HGETALL \{chat\}:sessions:/, /^[0-9a-f]{32}\nalice$/m],
  [/^LRANGE \{chat\}:inbox:alice /, /"message_text":"note"/],
  [/^XREVRANGE \{chat\}:group /, /"message_text":"hello"/],
  [/^P?TTL /, /^[1-9]\d*$/],
  [/^P?SUBSCRIBE /, /^p?message$/m],
  [/^MONITOR$/, /\[0 lua\]/],
  [/^/, /^(?!0$|-\d+$)[\s\S]/],
];
const STREAMS = /^(P?SUBSCRIBE|MONITOR)\b/; /* end when somebody ends them */

export class Operator {
  #stack;
  #command;
  #alice;

  /* `command(text)` gives [program, ...arguments] that run `redis-cli text`, an error reply being
   * an exit status. */
  constructor(stack, command) {
    this.#stack = stack;
    this.#command = command;
  }

  async check(text) {
    await this.#scene();
    const filled = await this.#fill(text);
    assert.doesNotMatch(filled, /<[^>]*>|\.\.\./, "a placeholder that nobody fills in");
    const wanted = TELLS.find(([line]) => line.test(filled))[1];
    const said = await this.#run(filled, wanted);
    assert.match(said, wanted, filled);
  }

  async #scene() {
    const { door } = this.#stack;
    const there = async (key) => (await this.#stack.redis("EXISTS", key)) === "1";
    if (!(await there("{chat}:user:alice"))) { /* not yet, or kicked by the last line */
      this.close();
      this.#alice = await connect(door, await user(door, "alice"));
      await this.#alice.say("group", "hello", { client_id: "1" });
      await this.#alice.say("alice", "note");
    }
    if (!(await there("{chat}:grace:bob"))) {
      const bob = await connect(door, await user(door, "bob"));
      bob.cut();
      await until("bob is in grace", () => there("{chat}:grace:bob"));
    }
  }

  async #fill(text) {
    const hash = await this.#stack.redis("HGET", "{chat}:user:alice", "session");
    const [gateway] = await this.#stack.servedBy("alice");
    return text.replace("<aa>", hash.slice(0, 2)).replace(/<(id|gateway)>/g, gateway).replace("<name>", "alice");
  }

  async #run(text, wanted) {
    const [program, ...args] = this.#command(text);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, REDISCLI_AUTH: undefined } });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => { out += chunk; });
    child.stderr.on("data", (chunk) => { err += chunk; });
    const ended = new Promise((resolve, reject) => { child.on("close", resolve).on("error", reject); });
    if (STREAMS.test(text)) {
      try {
        await until(`${text} tells something`, () => wanted.test(out) || child.exitCode !== null);
      } finally {
        child.kill("SIGTERM");
        await ended;
      }
    } else {
      assert.equal(await ended, 0, `${text}: ${out}${err}`);
    }
    assert.equal(err, "", text);
    return out.trim();
  }

  close() {
    this.#alice?.close();
  }
}

/* load.mjs - the load generator (load/main.c) as an object: an order is a method that answers its figures */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ORDER_MS = 240_000; /* none takes as long */

export class Load {
  #child;
  #answers;
  #said = "";

  /* server: what peers.mjs started; polling: long-polling clients; prefix: of their names */
  constructor(bin, server, { polling = false, prefix = "u" } = {}) {
    const args = ["--dialect", server.dialect, "--prefix", prefix];
    server.gateways.forEach((address) => args.push("--gateway", address));
    Object.entries(server.pids).forEach(([name, pid]) => args.push("--server", `${name}=${pid}`));
    args.push(...(server.auth ? ["--auth", server.auth] : []), ...(polling ? ["--polling"] : []));
    this.#child = spawn("setpriv", ["--pdeathsig", "KILL", join(bin, "tests/bench/load/load"), ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (chunk) => { this.#said += chunk; });
    this.#child.stdin.on("error", () => {}); /* it ended; the answer that does not come tells */
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.online = 0;
    this.pid = this.#child.pid;
  }

  /* Rejects when the order was refused, when a process of the server has ended, and when anything
   * went wrong that would make figures a lie. */
  async order(name, ...numbers) {
    const text = [name, ...numbers].join(" ");
    let timer;
    this.#child.stdin.write(`${text}\n`);
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${text}: no answer`)), ORDER_MS);
    });
    const { value, done } = await Promise.race([this.#answers.next(), late]).finally(() => clearTimeout(timer));
    if (done) {
      throw new Error(`${text}: the load generator ended\n${this.#said}`);
    }
    const figures = JSON.parse(value);
    const wrong = faultOf(figures);
    if (wrong) {
      throw new Error(`${text}: ${wrong}\n${value}`);
    }
    this.online = figures.online;
    return figures;
  }

  /* More users, until so many are online. */
  async upTo(count, atOnce = 64) {
    if (count > this.online) {
      const more = count - this.online;
      await this.order("login", more, atOnce);
      await this.order("connect", more, atOnce);
    }
  }

  async end() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.stdin.end();
      await ended;
    }
  }
}

/* What is wrong with an answer, in words; undefined when nothing is. */
export function faultOf(figures) {
  if (figures.error) {
    return figures.error;
  }
  if (figures.cpu_us === null) {
    return "a process of the server has ended";
  }
  return ["failed", "missing", "surplus", "astray", "errors", "overloaded"].map((name) => figures[name] && `${name}: ${figures[name]}`).find(Boolean);
}

/* Processor time of those processes (all, if none is named), in microseconds. */
export function cpuOf(figures, ...names) {
  return Object.entries(figures.cpu_us).filter(([name]) => names.length === 0 || names.some((n) => name.startsWith(n)))
    .reduce((sum, [, us]) => sum + us, 0);
}

/* {name: processor time of all, "name|gateway": of that kind of process, ...}, each divided by `per`. */
export function costs(name, figures, per) {
  const all = { [name]: cpuOf(figures) / per };
  for (const [process, us] of Object.entries(figures.cpu_us)) {
    const kind = `${name}|${process.replace(/-\d+$/, "")}`;
    all[kind] = (all[kind] ?? 0) + us / per;
  }
  return all;
}

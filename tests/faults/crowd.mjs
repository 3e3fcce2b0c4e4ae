/* crowd.mjs - starts and asks a crowd_process: people who chat, away from the loop that breaks things */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { secrets } from "../support/http.mjs";

const PROGRAM = fileURLToPath(new URL("crowd_process.mjs", import.meta.url));

export class Crowd {
  #child;
  #asked = new Map();
  #number = 0;

  /* door, diary (a path), names, everybody (names to write to), seed; tabs, transports, delayMs
   * ([first, longest] wait before reconnecting), pad (behind each text), login (another address).
   * namespace: a network of its own (network.mjs), in which the process lives. */
  static async open({ namespace, ...options }) {
    const crowd = new Crowd();
    crowd.names = options.names;
    crowd.diary = options.diary;
    crowd.#child = fork(PROGRAM, {
      execArgv: ["--max-old-space-size=2048"],
      ...(namespace ? { execPath: "ip", execArgv: ["netns", "exec", namespace.name, process.execPath, "--max-old-space-size=2048"] } : {}),
    });
    crowd.#child.on("message", (message) => crowd.#told(message));
    crowd.#child.on("exit", (code, signal) => crowd.#ended(code ?? signal));
    await crowd.ask("open", options);
    return crowd;
  }

  #told({ token, number, value, error }) {
    if (token) {
      secrets.add(token);
      return;
    }
    const { resolve, reject } = this.#asked.get(number);
    this.#asked.delete(number);
    if (error) {
      reject(new Error(`the crowd: ${error}`));
    } else {
      resolve(value);
    }
  }
  #ended(how) {
    this.gone = true;
    for (const { reject } of this.#asked.values()) {
      reject(new Error(`the crowd's process ended: ${how}`));
    }
    this.#asked.clear();
  }

  get pid() {
    return this.#child.pid;
  }
  ask(order, options) {
    if (this.gone) {
      return Promise.reject(new Error("the crowd's process has ended"));
    }
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#asked.set(number, { resolve, reject });
      this.#child.send({ number, order, options });
    });
  }
  async close() {
    if (!this.gone && !this.closed) {
      this.closed = true;
      await this.ask("close").catch(() => {});
    }
    this.#child.kill("SIGKILL");
  }
}

/* network.mjs - a network of its own for a crowd: a namespace, joined to this machine by one cable
 *
 * Needs root, and the programs ip, tc and iptables; Namespace.possible() says whether they are there.
 * What is made has this process' id in its name and is removed by close(), or when the process ends. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
let made = 0;

export class Namespace {
  static possible() {
    try {
      execFileSync("iptables", ["--version"], { stdio: "ignore" });
      execFileSync("tc", ["-V"], { stdio: "ignore" });
    } catch {
      return false;
    }
    return process.getuid() === 0;
  }

  static async open() {
    const self = new Namespace();
    const number = made++;
    const net = `10.${200 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
    self.name = `parley-${process.pid}-${number}`;
    self.near = `pn${process.pid}x${number}`.slice(0, 15);
    self.far = `pf${process.pid}x${number}`.slice(0, 15);
    self.host = `${net}.${4 * number + 1}`;
    self.onExit = () => self.#remove();
    process.on("exit", self.onExit);
    await run("ip", ["netns", "add", self.name]);
    await run("ip", ["link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.name]);
    await run("ip", ["addr", "add", `${self.host}/30`, "dev", self.near]);
    await run("ip", ["link", "set", self.near, "up"]);
    await self.inside("ip", "addr", "add", `${net}.${4 * number + 2}/30`, "dev", self.far);
    await self.inside("ip", "link", "set", self.far, "up");
    await self.inside("ip", "link", "set", "lo", "up");
    return self;
  }

  async inside(...command) {
    const { stdout } = await run("ip", ["netns", "exec", this.name, ...command]);
    return stdout;
  }
  /* Drops that share of all packets, both ways; 1: all of them, which is a pulled cable. */
  async drop(share) {
    const which = share < 1 ? ["-m", "statistic", "--mode", "random", "--probability", String(share)] : [];
    await this.inside("iptables", "-A", "INPUT", "-i", this.far, ...which, "-j", "DROP");
    await this.inside("iptables", "-A", "OUTPUT", "-o", this.far, ...which, "-j", "DROP");
  }
  async passAll() {
    await this.inside("iptables", "-F");
  }
  /* Packets dropped so far. */
  async dropped() {
    const list = await this.inside("iptables", "-L", "-v", "-x", "-n");
    return [...list.matchAll(/^\s*(\d+)\s+\d+\s+DROP/gm)].reduce((n, [, packets]) => n + Number(packets), 0);
  }
  /* No more than that many bytes a second towards us. */
  async rate(bytesPerS) {
    await this.inside("tc", "qdisc", "replace", "dev", this.far, "root", "tbf", "rate", `${8 * bytesPerS}bit`, "burst", "4kb", "latency", "400ms");
  }

  #remove() {
    for (const command of [["link", "del", this.near], ["netns", "del", this.name]]) {
      try {
        execFileSync("ip", command, { stdio: "ignore" });
      } catch { /* gone already */ }
    }
  }
  close() {
    process.off("exit", this.onExit);
    this.#remove();
  }
}

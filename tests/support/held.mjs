/* held.mjs - what a server of this machine holds and uses, as the kernel tells it */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "./http.mjs";
import { until } from "./wait.mjs";

export const openFiles = (of) => readdirSync(`/proc/${of.pid}/fd`).length;

/* TCP connections to that port of its which the process still has, as the kernel tells them. */
function connectionsTo(of, port) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync(`/proc/${of.pid}/net/tcp`, "utf8").split("\n").map((line) => line.trim().split(/\s+/));
  return rows.filter(([, local, , state, , , , , , inode]) => local?.endsWith(`:${hex}`) && state !== "0A" && inode !== "0");
}
export const connections = (of) => connectionsTo(of, of.port).length;

/* Those who asked whether it listens have been accepted too, and are gone. */
export async function settled(of) {
  await request(of.url, "/x");
  await request(`http://127.0.0.1:${of.healthPort}`, "/healthz");
  const left = () => [of.port, of.healthPort].flatMap((port) => connectionsTo(of, port));
  await until("nobody is there", () => left().length === 0)
    .catch((error) => assert.fail(`${error.message}; there are\n${left().map((row) => row.join(" ")).join("\n")}\n${of.log}`));
}

/* CPU time so far, in ticks of 10 ms. */
export const ticks = (of) => readFileSync(`/proc/${of.pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13).reduce((sum, t) => sum + Number(t), 0);

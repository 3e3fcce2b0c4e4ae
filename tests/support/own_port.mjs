/* own_port.mjs - a port of 127.0.0.1 that is free, and that no other test gets while this one runs */
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";

/* Below those that the kernel gives to outgoing connections: else one of them could have it before
 * the program that it is for, or while that one is started again.  Also below those of deploy/run. */
const FIRST = 10_000;
const END = 15_000;

function isFree(port) {
  return new Promise((resolve) => {
    const trial = net.createServer();
    trial.once("error", () => resolve(false));
    trial.listen(port, "127.0.0.1", () => trial.close(() => resolve(true)));
  });
}

/* The UDP port of the same number, which nobody else wants, is the lock; undefined when taken. */
function lock(port) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.once("error", () => { socket.close(); resolve(undefined); });
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(socket));
  });
}

/* Ours until this process ends. */
export async function ownPort() {
  for (;;) {
    const port = randomInt(FIRST, END);
    const held = await lock(port);
    if (held && await isFree(port)) {
      held.unref();
      return port;
    }
    held?.close();
  }
}

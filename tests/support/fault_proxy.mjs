/* fault_proxy.mjs - a TCP proxy that does to a connection what networks do
 *
 * Stands between two programs and carries bytes both ways, unchanged and in order, until it is told
 * otherwise; every fault can be switched while connections live, for each direction by itself.  "up" is
 * what the one who connected sends, "down" what he gets.
 *
 *   latencyMs, jitterMs  each piece is that late (and up to jitterMs more), in order all the same
 *   bytesPerS            at most that many bytes a second
 *   sliceBytes           written in pieces of that many bytes, one a turn of the loop
 *   hold                 nothing is carried any more, nor the end of it, and nobody is told: a pulled
 *                        cable.  Switched off, everything that was sent meanwhile follows
 *   limitBytes, atLimit  after that many bytes of this direction: "reset", "close" (FIN) or "hold"
 *
 * Nothing grows without bound: beyond BUFFER_MAX bytes in a direction its source is not read. */
import net from "node:net";

const BUFFER_MAX = 1 << 20;
const PLAIN = { latencyMs: 0, jitterMs: 0, bytesPerS: Infinity, sliceBytes: Infinity, hold: false, limitBytes: Infinity, atLimit: "reset" };

/* One direction of one connection: a queue of pieces, each with the time at which it may go. */
class Pipe {
  #queue = []; /* {bytes, at}; bytes null: the end */
  #queued = 0;
  #carried = 0;
  #timer = null;
  #writing = false;
  #lastAt = 0;
  over = false; /* its end was carried, or made */

  constructor(link, name, from, to) {
    Object.assign(this, { link, name, from, to });
    from.on("data", (bytes) => this.#take(bytes));
    from.on("end", () => this.#take(null));
  }

  get rules() {
    return this.link.proxy[this.name];
  }

  #take(bytes) {
    const { latencyMs, jitterMs } = this.rules;
    const due = performance.now() + latencyMs + (jitterMs ? Math.random() * jitterMs : 0);
    this.#lastAt = Math.max(this.#lastAt, due);
    this.#queue.push({ bytes, at: this.#lastAt });
    this.#queued += bytes?.length ?? 0;
    if (this.#queued >= BUFFER_MAX) {
      this.from.pause();
    }
    this.pump();
  }

  /* Carries what may go now, and comes again for the rest. */
  pump() {
    if (this.#writing || this.over || this.link.ended || this.rules.hold || this.link.stuck.has(this.name)) {
      return;
    }
    clearTimeout(this.#timer);
    const first = this.#queue[0];
    if (!first) {
      return;
    }
    const wait = first.at - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.pump(), wait);
    } else if (first.bytes === null) {
      this.#queue.shift();
      this.finish();
    } else {
      this.#write(first);
    }
  }

  /* FIN: nothing more goes this way. */
  finish() {
    this.over = true;
    this.to.end();
  }

  #write(first) {
    const { sliceBytes, bytesPerS, limitBytes } = this.rules;
    const room = limitBytes - this.#carried;
    const size = Math.min(first.bytes.length, sliceBytes, room, Math.max(1, Math.ceil(bytesPerS / 20)));
    if (room <= 0) {
      this.link.limit(this);
      return;
    }
    const part = first.bytes.subarray(0, size);
    first.bytes = first.bytes.subarray(size);
    if (first.bytes.length === 0) {
      this.#queue.shift();
    }
    this.#queued -= size;
    this.#carried += size;
    this.link.proxy.carried[this.name] += size;
    this.link.proxy.pieces[this.name]++;
    this.#writing = true;
    this.to.write(part, () => this.#written(size, bytesPerS));
  }

  #written(size, bytesPerS) {
    const next = () => {
      this.#writing = false;
      if (this.#queued < BUFFER_MAX / 2 && !this.link.ended) {
        this.from.resume();
      }
      this.pump();
    };
    if (this.link.ended) {
      return;
    }
    if (bytesPerS !== Infinity) {
      setTimeout(next, (1000 * size) / bytesPerS);
    } else {
      setImmediate(next);
    }
  }
}

/* One connection through the proxy. */
class Link {
  ended = false;
  stuck = new Set(); /* directions that reached a limit with "hold" */

  constructor(proxy, near) {
    this.proxy = proxy;
    this.near = near;
    this.far = net.connect({ ...proxy.to, allowHalfOpen: true });
    this.pipes = { up: new Pipe(this, "up", near, this.far), down: new Pipe(this, "down", this.far, near) };
    for (const [socket, other] of [[near, this.far], [this.far, near]]) {
      socket.setNoDelay?.(true);
      socket.on("error", () => this.#cut(other));
      socket.on("close", () => this.#closed());
    }
  }

  /* One side was reset: the other must learn of it, unless the cable is pulled. */
  #cut(other) {
    if (this.proxy.up.hold || this.proxy.down.hold) {
      return;
    }
    this.ended = true;
    destroy(other);
  }
  #closed() {
    if (this.near.destroyed && this.far.destroyed) {
      this.ended = true;
      this.proxy.links.delete(this);
    }
  }

  limit(pipe) {
    const { atLimit } = this.proxy[pipe.name];
    if (atLimit === "hold") {
      this.stuck.add(pipe.name);
    } else if (atLimit === "close") {
      pipe.finish();
    } else {
      this.reset();
    }
  }

  reset() {
    this.ended = true;
    this.proxy.resets++;
    destroy(this.near);
    destroy(this.far);
  }

  /* FIN towards whoever gets that direction's bytes; the other direction goes on. */
  halfClose(name) {
    this.pipes[name].finish();
  }
}

/* RST where the kind of socket knows it. */
function destroy(socket) {
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy(); /* a unix socket */
  }
}

export class FaultProxy {
  up = { ...PLAIN };
  down = { ...PLAIN };
  links = new Set();
  accepted = 0;
  resets = 0; /* connections that this proxy reset */
  refusing = false; /* new connections are reset at once */
  carried = { up: 0, down: 0 }; /* bytes */
  pieces = { up: 0, down: 0 }; /* writes */

  /* to, at: {port} of 127.0.0.1, or {path} of a unix socket; at: a free port if not given. */
  static async open(to, at = { port: 0 }) {
    const proxy = new FaultProxy();
    proxy.to = to.path ? to : { host: "127.0.0.1", ...to };
    proxy.server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => proxy.#accept(socket));
    await new Promise((resolve, reject) => {
      proxy.server.once("error", reject);
      proxy.server.listen(at.path ? at : { host: "127.0.0.1", ...at }, resolve);
    });
    proxy.port = proxy.server.address().port;
    return proxy;
  }

  #accept(socket) {
    this.accepted++;
    if (this.refusing) {
      this.resets++;
      socket.on("error", () => {});
      destroy(socket);
      return;
    }
    this.links.add(new Link(this, socket));
  }

  /* What is not named stays as it is: set({down: {latencyMs: 200}}); both: for both directions. */
  set({ up = {}, down = {}, both = {} }) {
    Object.assign(this.up, both, up);
    Object.assign(this.down, both, down);
    for (const link of this.links) {
      link.stuck.clear();
      link.pipes.up.pump();
      link.pipes.down.pump();
    }
  }
  /* As a good network again. */
  heal() {
    this.refusing = false;
    this.set({ both: PLAIN });
  }
  /* Pulls the cable: connections stay, and nothing comes through any more. */
  hold() {
    this.set({ both: { hold: true } });
  }
  /* Resets every connection; says how many. */
  reset() {
    const all = [...this.links];
    all.forEach((link) => link.reset());
    return all.length;
  }
  halfClose(name) {
    const all = [...this.links];
    all.forEach((link) => link.halfClose(name));
    return all.length;
  }

  async close() {
    for (const link of this.links) {
      link.ended = true;
      link.near.destroy();
      link.far.destroy();
    }
    await new Promise((resolve) => this.server.close(resolve));
  }
}

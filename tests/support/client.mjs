/* client.mjs - people who chat: HTTP login, and the official Socket.IO client with a diary
 *
 * A Peer writes down every event that it gets, in order, and keeps the list of active users as the
 * protocol tells a client to.  Tests wait for entries of the diary or count them. */
import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { request, secrets, tlsOptions } from "./http.mjs";
import { until, WAIT_MS } from "./wait.mjs";

/* ---- HTTP ---- */

export async function login(base, name, options = {}) {
  const res = await request(base, `/login/${name}`, options);
  if (res.json?.token) {
    secrets.add(res.json.token);
  }
  return res;
}

export function logout(base, name, token) {
  return request(base, `/logout/${name}`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

/* Logs in and returns {name, token}; anything but a success ends the test. */
export async function user(base, name) {
  const res = await login(base, name);
  assert.equal(res.status, 200, `login of ${name}: ${res.body}`);
  return { name, token: res.json.token };
}

/* ---- Socket.IO ---- */

/* How the clients of a test connect, as $PARLEY_TRANSPORTS says: "polling,websocket" is what a
 * client does by itself. */
export const TRANSPORTS = (process.env.PARLEY_TRANSPORTS ?? "websocket").split(",");

export class Peer {
  diary = []; /* {event, data, at}; the client's own events are ":connect", ":disconnect", ":refused" */
  users = new Set(); /* the list of active users */
  cursor = null;
  gaps = 0; /* changes that did not continue from our cursor */
  lastId = undefined; /* the highest message_id that came */
  #parts = [];
  #waiting = new Set();

  /* resume: true sends with each connect what this peer has, {last_id, presence}; an object, such as
   * another peer's position(), is where it begins. */
  constructor(url, { token, cookie, origin, auth, resume, ...options } = {}) {
    if (resume) {
      Object.assign(this, { lastId: resume.last_id, cursor: resume.presence ?? null, users: new Set(resume.users) });
    }
    const headers = { ...(cookie ? { cookie } : {}), ...(origin ? { origin } : {}) };
    this.socket = io(url, {
      transports: TRANSPORTS, forceNew: true, reconnection: false, autoConnect: false,
      reconnectionDelay: 50, reconnectionDelayMax: 500, timeout: WAIT_MS,
      auth: auth ?? (resume ? (send) => send({ token, last_id: this.lastId, presence: this.cursor ?? undefined })
        : token === undefined ? undefined : { token }),
      extraHeaders: headers, ...tlsOptions(), ...options,
    });
    this.socket.on("connect", () => this.#note(":connect", this.socket.id));
    this.socket.on("disconnect", (reason) => this.#note(":disconnect", reason));
    this.socket.on("connect_error", (err) => this.#note(":refused", { message: err.message, data: err.data }));
    this.socket.onAny((event, ...args) => this.#note(event, args[0]));
    this.socket.connect();
  }

  #note(event, data) {
    const entry = { event, data, at: performance.now() };
    this.diary.push(entry);
    if (event === "message_in" && !(data.message_id <= this.lastId)) {
      this.lastId = data.message_id;
    }
    if (event === "user_change_in") {
      this.#apply(data);
    }
    for (const look of this.#waiting) {
      look(entry);
    }
  }

  #apply(change) {
    if (change.users) {
      this.#parts = change.part === undefined || change.part === 1 ? [] : this.#parts;
      this.#parts.push(...change.users);
      if (change.part === change.parts) {
        this.users = new Set(this.#parts);
        this.cursor = change.cursor;
      }
      return;
    }
    if (change.from !== this.cursor) {
      this.gaps++;
      this.socket.emit("user_change_out", { since: this.cursor });
      return;
    }
    change.left.forEach((name) => this.users.delete(name));
    change.joined.forEach((name) => this.users.add(name));
    this.cursor = change.cursor;
  }

  /* The first entry (already there, or still to come) of that event whose data is as wanted. */
  waitFor(event, wanted = () => true, options = {}) {
    return this.wait((e) => e.event === event && wanted(e.data), `${event} as wanted: ${wanted}`, options);
  }

  /* The first entry of the diary that fits. */
  wait(fits, what, { timeout = WAIT_MS, from = 0 } = {}) {
    const there = this.diary.slice(from).find(fits);
    if (there) {
      return Promise.resolve(there);
    }
    const missing = new Error(`not in ${timeout} ms: ${what}`);
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const look = (entry) => fits(entry) && done(resolve, entry);
      const timer = setTimeout(() => {
        missing.message += `; the diary ends:\n${this.tail()}`;
        done(reject, missing);
      }, timeout);
      this.#waiting.add(look);
    });
  }

  tail(count = 12) {
    return this.diary.slice(-count).map((e) => `  ${e.event} ${JSON.stringify(e.data)?.slice(0, 200)}`).join("\n");
  }

  /* All data of that event so far. */
  collect(event, wanted = () => true) {
    return this.diary.filter((e) => e.event === event && wanted(e.data)).map((e) => e.data);
  }

  /* Where the diary stands, for waitFor's `from`. */
  mark() {
    return this.diary.length;
  }

  /* Emits with an ack and resolves to the answer. */
  ask(event, ...args) {
    return this.socket.timeout(WAIT_MS).emitWithAck(event, ...args);
  }

  /* Sends a message that must be accepted; resolves to its id. */
  async say(receiver, message_text, more = {}) {
    const ack = await this.ask("message_out", { receiver, message_text, ...more });
    assert.equal(ack.ok, true, `message to ${receiver}: ${JSON.stringify(ack)}`);
    return ack.message_id;
  }

  /* Where it stands, for another peer's `resume`. */
  position() {
    return { last_id: this.lastId, presence: this.cursor, users: [...this.users] };
  }

  ids() {
    return this.collect("message_in").map((m) => m.message_id);
  }
  texts() {
    return this.collect("message_in").map((m) => m.message_text);
  }

  /* How often that user was seen joining and leaving. */
  joins(name) {
    return this.collect("user_change_in", (d) => d.joined?.includes(name)).length;
  }
  leaves(name) {
    return this.collect("user_change_in", (d) => d.left?.includes(name)).length;
  }
  sees(name) {
    return until(`${name} in the list`, () => this.users.has(name));
  }
  misses(name) {
    return until(`${name} out of the list`, () => !this.users.has(name));
  }

  /* Cuts the transport as a lost network would, without any word of leaving. */
  cut() {
    this.socket.io.opts.reconnection = false;
    this.socket.io.reconnection(false);
    const transport = this.socket.io.engine?.transport;
    if (transport?.name === "polling") {
      transport.doClose = () => {}; /* which would say so */
      transport._pollXhr?.abort();
      transport.pollXhr?.abort();
      transport.onClose();
    } else {
      transport?.ws?.terminate();
    }
  }
  close() {
    this.socket.io.reconnection(false);
    this.socket.disconnect();
  }
}

const isFull = (e) => e.event === "user_change_in" && e.data.users && e.data.part === e.data.parts;

/* Connects and waits until the full list is there; for one that had a list, its changes. */
export async function connect(url, options, wait = {}) {
  const peer = new Peer(url, options);
  const isList = (e) => isFull(e) || (options.resume && e.event === "user_change_in" && e.data.joined);
  const entry = await peer.wait((e) => isList(e) || e.event === ":refused", "the full list", wait);
  if (entry.event === ":refused") {
    throw new Error(`${url} refused: ${JSON.stringify(entry.data)}`);
  }
  return peer;
}

/* Connects where a refusal is expected; resolves to {message, data, active}; active: the client
 * would try again by itself. */
export async function refusal(url, options) {
  const peer = new Peer(url, options);
  const entry = await peer.wait((e) => [":refused", "session"].includes(e.event), "a refusal");
  const { active } = peer.socket;
  peer.close();
  assert.equal(entry.event, ":refused", "was let in");
  return { ...entry.data, active };
}

/* ---- A scene: people of one test, who leave when it ends ---- */

let number = 0;

/* Names are made unique ("bob" becomes "bob7"), so that tests may share a stack. */
export function scene(t, stack) {
  const people = [];
  const peers = [];
  t.after(async () => {
    peers.forEach((peer) => peer.close());
    await Promise.all(people.map((p) => logout(stack.door, p.name, p.token)));
  });
  const self = {
    async user(name) {
      const someone = await user(stack.door, `${name}${++number}`);
      people.push(someone);
      return someone;
    },
    /* {name, token} of somebody who entered. */
    someone(name) {
      return people.find((p) => p.name === name);
    },
    async join(someone, url = stack.door, options = {}) {
      const peer = await connect(url, { token: someone.token, ...options });
      peer.name = someone.name;
      peers.push(peer);
      return peer;
    },
    tokenOf(name) {
      return people.find((p) => p.name === name).token;
    },
    /* A name that nobody has yet, for a login of the test's own. */
    promise(name) {
      return `${name}${++number}`;
    },
    /* Logs in and connects. */
    async enter(name, url, options) {
      return self.join(await self.user(name), url, options);
    },
    keep(peer) {
      peers.push(peer);
      return peer;
    },
  };
  return self;
}

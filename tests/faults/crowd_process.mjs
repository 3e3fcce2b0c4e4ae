/* crowd_process.mjs - many people who chat, in a process of their own (crowd.mjs starts and asks it)
 *
 * Real clients (socket.io-client) which do what PROTOCOL.md tells a client to: reconnect by themselves
 * with {token, last_id, presence}, mark a message as unsent when its answer is late or the connection
 * went, send it again with its client_id, ask for missed changes of the list, log in again when their
 * session is gone.  Everything goes into a diary.
 *
 * The load is open loop: how many messages are due depends on the clock alone, who writes to whom on the
 * seed.  What cannot be sent in time is left out and counted; nothing grows without bound. */
import { io } from "socket.io-client";
import { login, logout } from "../support/client.mjs";
import { request } from "../support/http.mjs";
import { Diary, now } from "./diary.mjs";
import { random } from "./random.mjs";

const TICK_MS = 20;
const LATE_MAX_S = 0.5; /* of a load that this process could not make in time */
const OUTSTANDING_MAX = 50; /* messages of one tab without an answer */
const ANSWER_MS = 5000; /* then a message counts as unsent */
const AGAIN_MS = [100, 400]; /* before an unsent one is sent again, the first time */
const AGAIN_MAX = 8; /* times that, later */
const AT_ONCE = 25; /* logins */
const FINAL = new Set(["no_such_user", "invalid", "too_large", "session_expired"]);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let setup; /* what `open` was told */
let diary;
let dice;
const people = new Map(); /* name -> Person */
const tabs = [];
const counts = { sent: 0, acked: 0, skipped: 0, recv: 0, cuts: 0 };

/* ---- A person: a name, a session, one tab or more ---- */

class Person {
  token;
  tabs = [];
  #keys = 0;
  #entering = null;

  constructor(name) {
    this.name = name;
  }
  nextKey() {
    return `${this.name}-${++this.#keys}`;
  }

  /* Logs in, however long that takes. */
  login() {
    this.#entering ??= this.#login().finally(() => { this.#entering = null; });
    return this.#entering;
  }
  async #login() {
    for (;;) {
      const res = await login(setup.login ?? setup.door, this.name).catch((err) => ({ status: err.code }));
      if (res.status === 200) {
        this.token = res.json.token;
        process.send({ token: this.token });
        diary.note("login", this.name);
        return;
      }
      counts[`login ${res.status}`] = (counts[`login ${res.status}`] ?? 0) + 1;
      await pause(200 + 300 * dice());
    }
  }

  /* The session is gone: everything that belonged to it is given up. */
  async again() {
    const old = this.token;
    await this.login();
    for (const tab of this.tabs) {
      if (this.token !== old && !tab.lost) {
        tab.begin();
      }
    }
  }
}

/* ---- A tab: one socket and what its user sees ---- */

class Tab {
  outstanding = new Map(); /* key -> {receiver, timer, waiting} */
  roster = new Set();
  lastId = 0;
  lost = false;
  #cursor = null;
  #parts = [];
  #asking = false;
  #again = null; /* the timer of the next attempt */
  #patience = 1;
  #session = false; /* the session event came on this connection */

  constructor(person, name) {
    Object.assign(this, { person, name });
    this.socket = io(setup.door, {
      transports: setup.transports, forceNew: true, autoConnect: false, timeout: 10_000,
      reconnectionDelay: setup.delayMs[0], reconnectionDelayMax: setup.delayMs[1],
      auth: (give) => give(this.#auth()),
    });
    const on = (event, fn) => this.socket.on(event, fn);
    on("connect", () => diary.note("connect", name));
    on("disconnect", (reason) => this.#gone(reason));
    on("connect_error", (err) => this.#refused(err));
    on("session", ({ recovered }) => this.#arrived(recovered));
    on("session_end", ({ code }) => diary.note("end", name, code));
    on("message_in", (message) => this.#got(message));
    on("user_change_in", (change) => this.#listed(change));
  }

  #auth() {
    const { token } = this.person;
    return setup.simple || !this.known ? { token } : { token, last_id: this.lastId, ...(this.#cursor ? { presence: this.#cursor } : {}) };
  }

  /* A new session begins: nothing of the former one counts. */
  begin() {
    for (const { timer } of this.outstanding.values()) {
      clearTimeout(timer);
    }
    this.outstanding.clear();
    this.known = false;
    this.lastId = 0;
    this.#cursor = null;
    if (this.socket.active) {
      this.socket.disconnect();
    }
    this.socket.connect();
  }

  get here() {
    return this.#session && this.socket.connected;
  }

  #arrived(recovered) {
    diary.note("session", this.name, recovered);
    this.known = true;
    this.#session = true;
    for (const [key, { receiver }] of this.outstanding) {
      this.#send(key, receiver);
    }
  }
  #gone(reason) {
    diary.note("disconnect", this.name, reason);
    counts.cuts++;
    this.#session = false;
    this.#asking = false;
    for (const [key, message] of this.outstanding) {
      clearTimeout(message.timer);
      if (!message.waiting) {
        diary.note("unsent", this.name, key, "gone");
      }
    }
    if (reason === "io server disconnect" && !this.lost && setup.relogin) {
      void this.person.again();
    }
  }
  #refused(err) {
    const code = err.data?.code;
    if (code) {
      diary.note("refused", this.name, code);
      counts[`refused ${code}`] = (counts[`refused ${code}`] ?? 0) + 1;
    }
    if (!this.socket.active && !this.lost) {
      if (code === "session_expired" && setup.relogin) {
        void this.person.again();
      } else {
        setTimeout(() => this.lost || this.socket.connect(), 500);
      }
    }
  }

  /* ---- Messages ---- */

  write(receiver) {
    if (!this.here || this.outstanding.size >= OUTSTANDING_MAX) {
      counts.skipped++;
      return undefined;
    }
    const key = this.person.nextKey();
    counts.sent++;
    this.#send(key, receiver);
    return key;
  }

  #send(key, receiver) {
    const message = { receiver, waiting: false, timer: setTimeout(() => this.#late(key), ANSWER_MS) };
    clearTimeout(this.outstanding.get(key)?.timer);
    this.outstanding.set(key, message);
    diary.note("send", this.name, key, receiver);
    this.socket.emit("message_out", { receiver, message_text: key + setup.pad, client_id: key }, (ack) => {
      if (this.outstanding.get(key) === message) {
        this.#answered(key, message, ack);
      } else {
        this.#answeredLate(key, ack);
      }
    });
  }
  #answered(key, message, ack) {
    clearTimeout(message.timer);
    this.#noteAnswer(key, ack);
    if (ack.ok) {
      this.#accepted(key);
    } else if (FINAL.has(ack.error.code)) {
      this.outstanding.delete(key);
    } else {
      this.#later(message, ack.error.retry_after_ms ?? 0);
    }
  }
  #noteAnswer(key, ack) {
    if (!ack.ok) {
      counts[ack.error.code] = (counts[ack.error.code] ?? 0) + 1;
    }
    if (ack.ok) {
      diary.note("ack", this.name, key, "ok", ack.message_id, ack.dup ?? false);
    } else {
      diary.note("ack", this.name, key, "error", ack.error.code);
    }
  }
  /* An answer to an attempt that was already told as unsent. */
  #answeredLate(key, ack) {
    this.#noteAnswer(key, ack);
    const message = this.outstanding.get(key);
    if (ack.ok && message) {
      clearTimeout(message.timer);
      this.#accepted(key);
    }
  }
  #late(key) {
    diary.note("unsent", this.name, key, "timeout");
    const message = this.outstanding.get(key);
    if (message) {
      this.#later(message, 0);
    }
  }
  /* Unsent messages go again one at a time, ever more slowly, until one is accepted: then all at once.
   * Five hundred people who hammer a server in trouble would be a fault of their own. */
  #later(message, atLeast) {
    message.waiting = true;
    this.#again ??= setTimeout(() => {
      this.#again = null;
      this.#patience = Math.min(2 * this.#patience, AGAIN_MAX);
      this.#sendWaiting(1);
    }, atLeast + this.#patience * (AGAIN_MS[0] + dice() * (AGAIN_MS[1] - AGAIN_MS[0])));
  }
  #sendWaiting(most) {
    if (this.outstanding.size === 0) {
      return;
    }
    const waiting = [...this.outstanding].filter(([, message]) => message.waiting).slice(0, most);
    for (const [key, { receiver }] of this.here ? waiting : []) {
      this.#send(key, receiver);
    }
  }
  #accepted(key) {
    counts.acked++;
    this.outstanding.delete(key);
    this.#patience = 1;
    clearTimeout(this.#again);
    this.#again = null;
    this.#sendWaiting(OUTSTANDING_MAX);
  }

  #got({ message_id, message_text, sender, receiver }) {
    const key = message_text.split(" ", 1)[0];
    counts.recv++;
    diary.note("recv", this.name, message_id, key, sender, receiver);
    this.lastId = Math.max(this.lastId, message_id);
  }

  /* ---- The list of users ---- */

  #listed(change) {
    if (change.users) {
      this.#parts = change.part === undefined || change.part === 1 ? [] : this.#parts;
      this.#parts.push(...change.users);
      if (change.part === change.parts) {
        this.#replace(new Set(this.#parts), change.cursor);
      }
    } else if (change.from === this.#cursor) {
      this.#asking = false;
      this.#apply(change.joined.filter((name) => !this.roster.has(name)), change.left.filter((name) => this.roster.has(name)));
      this.#cursor = change.cursor;
    } else if (!this.#asking) {
      this.#asking = true;
      counts.gaps = (counts.gaps ?? 0) + 1;
      this.socket.emit("user_change_out", { since: this.#cursor });
    }
  }
  #replace(users, cursor) {
    const first = this.#cursor === null && this.roster.size === 0;
    diary.note("full", this.name, users.size);
    this.#asking = false;
    this.#cursor = cursor;
    if (first) {
      diary.note("seen", this.name, "+", [...users]);
      this.roster = users;
      return;
    }
    this.#apply([...users].filter((name) => !this.roster.has(name)), [...this.roster].filter((name) => !users.has(name)));
  }
  #apply(joined, left) {
    for (const [sign, names] of [["-", left], ["+", joined]]) {
      if (names.length) {
        diary.note("seen", this.name, sign, names);
      }
    }
    left.forEach((name) => this.roster.delete(name));
    joined.forEach((name) => this.roster.add(name));
  }

  /* ---- Going ---- */

  /* As a lost network would: no word of leaving, no coming back. */
  lose() {
    this.lost = true;
    this.socket.io.reconnection(false);
    diary.note("lost", this.name);
    const transport = this.socket.io.engine?.transport;
    if (transport?.name === "polling") {
      transport.doClose = () => {};
      transport._pollXhr?.abort();
      transport.onClose();
    } else {
      transport?.ws?.terminate();
    }
  }
  close() {
    this.lost = true;
    this.socket.io.reconnection(false);
    this.socket.disconnect();
  }
}

/* ---- Load ---- */

let load = null;

function startLoad({ rate, group, seed }) {
  load = { rate, group, dice: random(seed), from: now(), done: 0, timer: setInterval(tick, TICK_MS) };
}
function stopLoad() {
  clearInterval(load?.timer);
  load = null;
}
function tick() {
  const due = Math.floor(((now() - load.from) / 1000) * load.rate);
  const late = due - load.done - Math.ceil(LATE_MAX_S * load.rate);
  if (late > 0) {
    counts.skipped += late;
    load.done += late;
  }
  for (; load.done < due; load.done++) {
    const tab = tabs[Math.floor(load.dice() * tabs.length)];
    const to = load.dice() < load.group ? "group" : setup.everybody[Math.floor(load.dice() * setup.everybody.length)];
    if (tab.lost) {
      continue; /* nobody is there who could write */
    }
    tab.write(to);
  }
}

/* ---- What the suite asks for ---- */

async function eventually(what, test, ms) {
  const end = now() + ms;
  while (!test()) {
    if (now() > end) {
      return what();
    }
    await pause(20);
  }
  return [];
}
const present = () => tabs.filter((tab) => !tab.lost);
const by = (names) => names.flatMap((name) => people.get(name)?.tabs ?? []);

const orders = {
  open(options) {
    setup = { transports: ["websocket"], delayMs: [100, 500], relogin: true, simple: false, pad: "", tabs: 1, ...options };
    diary = new Diary(setup.diary);
    dice = random(setup.seed);
  },

  /* Logs everybody in and connects them. */
  async enter({ ms }) {
    const names = [...setup.names];
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let name = names.shift(); name; name = names.shift()) {
        const person = new Person(name);
        people.set(name, person);
        await person.login();
        for (let i = 1; i <= setup.tabs; i++) {
          const tab = new Tab(person, i === 1 ? name : `${name}#${i}`);
          person.tabs.push(tab);
          tabs.push(tab);
          tab.begin();
        }
      }
    }));
    return orders.present({ ms });
  },

  /* Waits until everybody is connected and has a list; answers who is not. */
  present({ ms }) {
    const missing = () => present().filter((tab) => !tab.here || tab.roster.size === 0).map((tab) => tab.name);
    return eventually(missing, () => present().every((tab) => tab.here && tab.roster.size > 0), ms);
  },
  load: (options) => startLoad(options),

  /* Stops the load and waits until every message has its answer; answers which have none. */
  quiet({ ms }) {
    stopLoad();
    const open = () => present().flatMap((tab) => [...tab.outstanding.keys()]);
    return eventually(open, () => present().every((tab) => tab.outstanding.size === 0), ms);
  },
  /* One more message, from the first tab that is here; answers its id once it is confirmed. */
  async mark({ ms }) {
    const end = now() + ms;
    while (now() < end) {
      const tab = present().find((candidate) => candidate.here);
      const key = tab?.write("group");
      if (key) {
        await eventually(() => [], () => !tab.outstanding.has(key) || !tab.here, end - now());
        if (!tab.outstanding.has(key)) {
          return tab.lastId;
        }
      }
      await pause(50);
    }
    throw new Error("nobody could write any more");
  },
  /* Waits until everybody who is here has got that message; answers who has not. */
  marked({ id, ms }) {
    const missing = () => present().filter((tab) => tab.lastId < id).map((tab) => tab.name);
    return eventually(missing, () => present().every((tab) => tab.lastId >= id), ms);
  },
  /* Waits until all lists are exactly these names; answers whose are not. */
  lists({ names, ms }) {
    const wanted = new Set(names);
    const same = (tab) => tab.roster.size === wanted.size && [...tab.roster].every((name) => wanted.has(name));
    return eventually(() => present().filter((tab) => !same(tab)).map((tab) => tab.name), () => present().every(same), ms);
  },
  rosters() {
    for (const tab of present()) {
      diary.note("roster", tab.name, [...tab.roster]);
    }
  },
  counts: () => ({ ...counts, here: present().filter((tab) => tab.here).length, tabs: tabs.length, lastId: Math.max(0, ...tabs.map((tab) => tab.lastId)) }),
  lose({ names }) {
    by(names).forEach((tab) => tab.lose());
  },
  dark({ on }) {
    present().forEach((tab) => diary.note("dark", tab.name, on));
  },
  /* Logs out and stays away. */
  async leave({ names }) {
    for (const name of names) {
      const { token, tabs: own } = people.get(name);
      own.forEach((tab) => { tab.lost = true; });
      const res = await logout(setup.login ?? setup.door, name, token);
      if (res.status !== 200) {
        throw new Error(`logout of ${name}: ${res.status}`);
      }
      diary.note("logout", name);
    }
  },
  get: ({ path }) => request(setup.door, path).then((res) => res.status, (err) => err.code),
  close() {
    stopLoad();
    diary.close(); /* what comes now is no part of the run */
    tabs.forEach((tab) => tab.close());
  },
};

process.on("message", async ({ number, order, options }) => {
  try {
    process.send({ number, value: await orders[order](options ?? {}) });
  } catch (err) {
    process.send({ number, error: err.stack });
  }
  if (order === "close") {
    process.disconnect();
  }
});
process.on("disconnect", () => process.exit());

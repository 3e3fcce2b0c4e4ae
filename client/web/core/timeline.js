/* timeline.js - what the message pane shows, in order, each message once
 *
 * Confirmed messages stand by message_id; those on their way come last, in the order they were
 * written.  A failed message and a note stand behind what was there when they came to be. */
import { nextState, FAILED, SENT } from "./own_message.js";

const LAST = Number.POSITIVE_INFINITY;

export class Timeline {
  #entries = [];
  #byId = new Map();
  #byClient = new Map();
  #seq = 0;
  #topId = 0; /* the highest id in here */
  #floor = 0; /* everything up to this id has been shown, and dropped */
  #max;
  #watch;

  lastId = undefined; /* the highest id that came as message_in; an ack may overtake other messages */

  /* watch.splice(at, removed, added) and watch.change(entry) are told of everything that happens. */
  constructor({ max = 50_000, watch = { splice() {}, change() {} } } = {}) {
    this.#max = max;
    this.#watch = watch;
  }

  /* The highest id in here. */
  get topId() { return this.#topId; }
  get length() { return this.#entries.length; }
  at(index) { return this.#entries.at(index); }
  byClient(clientId) { return this.#byClient.get(clientId); }
  indexOf(entry) {
    const i = this.#place(entry);
    return this.#entries[i] === entry ? i : -1;
  }
  [Symbol.iterator]() { return this.#entries[Symbol.iterator](); }

  /* A message_in.  Returns its entry if it was not here before, else undefined. */
  receive(message, own) {
    const { message_id: id, client_id: clientId } = message;
    this.lastId = Math.max(this.lastId ?? 0, id);
    const mine = clientId === undefined ? undefined : this.#byClient.get(clientId);
    if (mine) {
      this.confirm(mine, id, message.sent_at);
      return undefined;
    }
    if (id <= this.#floor || this.#byId.has(id)) {
      return undefined;
    }
    const entry = {
      kind: "message", key: `m${id}`, id, own, sender: message.sender, receiver: message.receiver,
      text: message.message_text, time: message.sent_at, state: SENT, anchor: id, seq: 0,
    };
    this.#byId.set(id, entry);
    this.#insert(entry);
    return entry;
  }

  /* A message of ours: at the end, or, one that failed before the page was loaded anew, behind what
   * has that id, as it stood there. */
  write({ clientId, sender, receiver, text, time, state, reason, after }) {
    const anchor = after ?? LAST;
    const entry = {
      kind: "message", key: `c${clientId}`, clientId, own: true, sender, receiver, text, time, state, reason, anchor,
      seq: ++this.#seq,
    };
    this.#byClient.set(clientId, entry);
    this.#topId = Math.max(this.#topId, after ?? 0);
    this.#insert(entry);
    return entry;
  }

  /* A line of our own between the messages, behind all that has an id or before everything. */
  note(data, { first = false } = {}) {
    const seq = first ? -1 : ++this.#seq;
    const entry = { ...data, kind: "note", key: `n${seq}`, anchor: first ? 0 : this.#topId, seq };
    this.#insert(entry);
    return entry;
  }

  /* The one function that changes the state of a message; it moves to where it then belongs. */
  step(entry, event, reason) {
    const state = nextState(entry.state, event);
    const isSame = state === entry.state;
    entry.reason = state === FAILED ? reason : undefined;
    if (isSame) {
      this.#watch.change(entry); /* its reason */
      return;
    }
    entry.state = state;
    if (state === FAILED) {
      this.#move(entry, this.#topId, entry.seq);
    } else if (state !== SENT && entry.anchor !== LAST) {
      this.#move(entry, LAST, ++this.#seq);
    }
    this.#watch.change(entry);
  }

  /* The server has accepted it under that id: now, or long ago. */
  confirm(entry, id, time) {
    const other = this.#byId.get(id);
    if (other && other !== entry) {
      this.remove(entry);
      return;
    }
    this.step(entry, "confirm");
    entry.id = id;
    entry.time = time ?? entry.time;
    this.#byId.set(id, entry);
    this.#move(entry, id, 0);
    this.#watch.change(entry);
  }

  change(entry) { this.#watch.change(entry); }

  remove(entry) {
    const i = this.indexOf(entry);
    if (i >= 0) {
      this.#cut(i, 1);
    }
  }

  clear() {
    this.#cut(0, this.#entries.length);
    this.#floor = this.#topId = 0;
    this.lastId = undefined;
  }

  /* ---- Order ---- */

  /* The first place whose entry does not come before this one. */
  #place(entry) {
    let low = 0;
    let high = this.#entries.length;
    if (high > 0 && before(this.#entries[high - 1], entry)) {
      return high; /* as nearly always */
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(this.#entries[middle], entry)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  #insert(entry) {
    const i = this.#place(entry);
    this.#entries.splice(i, 0, entry);
    if (entry.id !== undefined) {
      this.#topId = Math.max(this.#topId, entry.id);
    }
    this.#watch.splice(i, 0, 1);
    this.#trim();
  }

  #move(entry, anchor, seq) {
    const from = this.indexOf(entry);
    Object.assign(entry, { anchor, seq });
    if (anchor !== LAST) {
      this.#topId = Math.max(this.#topId, anchor);
    }
    if (from < 0 || isInOrder(this.#entries[from - 1], entry, this.#entries[from + 1])) {
      return;
    }
    this.#entries.splice(from, 1);
    this.#watch.splice(from, 1, 0);
    const to = this.#place(entry);
    this.#entries.splice(to, 0, entry);
    this.#watch.splice(to, 0, 1);
  }

  #trim() {
    if (this.#entries.length > this.#max) {
      this.#cut(0, Math.ceil(this.#max / 10));
    }
  }

  #cut(at, count) {
    const gone = this.#entries.splice(at, count);
    for (const entry of gone) {
      this.#byId.delete(entry.id);
      this.#byClient.delete(entry.clientId);
      if (at === 0 && entry.id !== undefined) {
        this.#floor = Math.max(this.#floor, entry.id);
      }
    }
    this.#watch.splice(at, gone.length, 0);
  }
}

function before(a, b) {
  return a.anchor === b.anchor ? a.seq < b.seq : a.anchor < b.anchor;
}

function isInOrder(previous, entry, following) {
  return (!previous || before(previous, entry)) && (!following || before(entry, following));
}

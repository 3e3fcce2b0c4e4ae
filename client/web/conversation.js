/* conversation.js - the chat of one signed-in user: what comes from the server, what goes there,
 * and what is shown of it.  The rules are in core/, the elements in view/. */
import { clientIds } from "./core/client_id.js";
import { Comings, merge } from "./core/comings.js";
import { Connection } from "./core/connection.js";
import { untilTomorrow } from "./core/dates.js";
import { Outbox } from "./core/outbox.js";
import { isPrivate } from "./core/rows.js";
import { isSameName } from "./core/user_list.js";
import { Socket } from "./net/socket.js";

/* After these one signs in again and goes on; whoever was signed out on purpose does not. */
const IS_LAPSED = new Set(["session_expired", "not_logged_in"]);
const ASK_AGAIN_MS = 3000; /* an answer to user_change_out that never came */

export class Conversation {
  username = undefined; /* as the server says */
  textMax = 4096; /* bytes of UTF-8 in a text; as the server says, if it does */
  #views;
  #socket;
  #connection = new Connection();
  #timeline;
  #outbox;
  #users;
  #comings = new Comings();
  #alarm; /* of tick() */
  #askAt; /* when to ask for the list again */
  #ended;
  #hasBegun = false; /* the server has told of this session once: from then on nothing may be missed */
  #isReturning = false; /* the session was there before this page: all that is kept of it is asked for */
  #isOld = false; /* what comes now was said before this page was loaded */
  #left; /* of a session that lapsed: {username, unsent} */
  #refused; /* why the last attempt was refused, if the server said so */
  #changed; /* the user is another than before */
  #ticked;
  #midnight;

  /* views: {messages, users, status, announcer, attention}; ended(code) and changed(username) tell
   * that the session is over, or is somebody else's; ticked() that something may have changed. */
  constructor({ views, timeline, users, ended, changed, ticked }) {
    this.#views = views;
    this.#timeline = timeline;
    this.#users = users;
    this.#outbox = new Outbox({ timeline, newId: clientIds(crypto.getRandomValues(new Uint8Array(12))) });
    this.#ended = ended;
    this.#changed = changed;
    this.#ticked = ticked;
    addEventListener("offline", () => this.#network(false));
    addEventListener("online", () => this.#network(true));
    addEventListener("beforeunload", (event) => this.#outbox.unsent + (this.#left?.unsent.length ?? 0) > 0 && event.preventDefault());
  }

  get isOpen() { return this.#socket !== undefined; }

  /* ---- Beginning and end ---- */

  /* isReturning: the session has been there before this page; unsent: what a page before this one has
   * left in this tab, if anything. */
  open(username, { isReturning = false, unsent = [] } = {}) {
    this.username = username;
    this.#isReturning = isReturning;
    if (this.isLeftBy(username)) {
      this.#outbox.bringBack(this.#left.unsent, "session_expired");
    } else if (isReturning) {
      this.#outbox.resume(unsent);
    } else {
      this.#outbox.bringBack(unsent, "session_expired");
    }
    this.#left = undefined;
    this.#socket = new Socket({
      auth: () => this.#auth(),
      on: {
        session: (session) => this.#begun(session), message: (message) => this.#message(message),
        users: (event) => this.#userChange(event), lost: () => this.#lost(), failed: (code) => this.#lost(code),
        ended: (code) => this.#over(code),
      },
    });
    this.#connection.start();
    this.#connection.network(navigator.onLine);
    this.#views.users.update(username);
    this.#socket.connect();
    this.tick();
    this.#atMidnight();
  }

  /* Forgets everything: what comes next is another's. */
  close() {
    this.#socket?.close();
    this.#socket = undefined;
    this.username = undefined;
    clearTimeout(this.#alarm);
    clearTimeout(this.#midnight);
    this.#askAt = undefined;
    this.#connection.end();
    this.#outbox.goOffline();
    this.#forget();
  }

  #forget() {
    this.#hasBegun = this.#isReturning = this.#isOld = false;
    this.#outbox.clear();
    this.#timeline.clear();
    this.#users.clear();
    this.#comings.clear();
    this.#views.messages.clear();
    this.#views.users.clear();
    this.#views.announcer.clear();
    this.#views.attention.clear();
  }

  #over(code) {
    const left = IS_LAPSED.has(code) ? { username: this.username, unsent: this.#outbox.left } : undefined;
    this.close();
    this.#left = left;
    this.#ended(code);
  }

  /* Did that user's session lapse here, with nobody else's in between? */
  isLeftBy(username) { return this.#left !== undefined && isSameName(this.#left.username, username); }

  /* What is written and not sent, for whoever keeps it. */
  get unsent() { return this.#outbox.left; }

  /* ---- The connection ---- */

  /* What we have, so that the server can send what we have missed; 0: nothing since the login. */
  #auth() {
    const lastId = this.#timeline.lastId ?? (this.#hasBegun || this.#isReturning ? 0 : undefined);
    const { cursor } = this.#users;
    return { ...(lastId === undefined ? {} : { last_id: lastId }), ...(cursor === undefined ? {} : { presence: cursor }) };
  }

  #begun({ username, recovered, message_max_bytes: textMax = this.textMax }) {
    if (!isSameName(username, this.username)) {
      this.#forget();
      this.#changed(username);
    } else if (recovered === false) {
      this.#missed();
    }
    this.#isOld = this.#isReturning && !this.#hasBegun;
    this.#hasBegun = true;
    this.username = username;
    this.textMax = textMax;
    this.#refused = undefined;
    this.#connection.up();
    this.#outbox.goOnline();
    this.tick();
  }

  #missed() {
    if (this.#hasBegun && this.#timeline.at(-1)?.note !== "gap") {
      this.#timeline.note({ note: "gap", time: Date.now() });
    } else if (!this.#hasBegun && this.#isReturning) {
      this.#timeline.note({ note: "earlier" }, { first: true });
    }
  }

  /* `code`: why the server would not have us now, if it said so. */
  #lost(code) {
    this.#isOld = false;
    this.#askAt = undefined;
    this.#refused = code;
    this.#outbox.goOffline();
    if (this.#connection.retryAt === undefined) {
      this.#connection.down(performance.now());
    }
    this.tick();
  }

  tryNow() {
    this.#connection.trying();
    this.#socket.connect();
    this.tick();
  }

  #network(isThere) {
    this.#connection.network(isThere);
    if (!this.isOpen) {
      return;
    }
    if (!isThere) {
      this.#socket.cut();
    } else if (this.#connection.retryAt !== undefined) {
      this.tryNow();
    }
    this.tick();
  }

  /* ---- What the server tells ---- */

  #message(message) {
    if (!isMessage(message)) {
      return;
    }
    const own = isSameName(message.sender, this.username);
    const entry = this.#timeline.receive(message, own);
    if (own && message.client_id !== undefined) {
      this.#outbox.echoed(message.client_id);
    }
    if (entry && !own && !this.#isOld) {
      this.#views.messages.came();
      this.#views.announcer.came(entry, isPrivate(entry));
      this.#views.attention.came(entry, isPrivate(entry), performance.now());
    }
    this.tick();
  }

  #userChange(event) {
    if (!isUserChange(event)) {
      return;
    }
    this.#isOld = false; /* the list comes behind what was missed */
    this.#views.messages.known();
    const change = this.#users.apply(event);
    if (change?.ask) {
      this.#askUsers();
    } else if (change) {
      this.#askAt = undefined;
      this.#views.users.update(this.username);
      this.#comingsOf(change);
    }
    this.tick();
  }

  #comingsOf({ joined, left, first }) {
    const others = (names) => names.filter((name) => !isSameName(name, this.username));
    if (!first) {
      this.#comings.add({ joined: others(joined), left: others(left) }, performance.now());
    }
  }

  /* Something is missing in between.  One question at a time; it is asked again if need be. */
  #askUsers() {
    const now = performance.now();
    if (this.#askAt !== undefined && now < this.#askAt) {
      return;
    }
    this.#askAt = now + ASK_AGAIN_MS;
    this.#socket.askUsers(this.#users.cursor, (answer) => {
      if (answer?.ok === false && this.#askAt !== undefined) {
        this.#askAt = performance.now() + (answer.error?.retry_after_ms ?? ASK_AGAIN_MS);
        this.tick();
      }
    });
  }

  /* ---- What we write ---- */

  send({ receiver, text }) {
    if (this.#outbox.isFull) {
      return false;
    }
    this.#outbox.write({ sender: this.username, receiver: this.#users.shown(receiver) ?? receiver, text, time: Date.now() });
    this.#views.messages.toEnd();
    this.tick();
    return true;
  }

  retry(entry) {
    this.#outbox.retry(entry);
    this.#views.messages.toEnd();
    this.tick();
  }
  retryAll() {
    this.#outbox.retryAll();
    this.#views.messages.toEnd();
    this.tick();
  }
  takeBack(entry) {
    this.#outbox.takeBack(entry);
    this.tick();
    return { receiver: entry.receiver, text: entry.text };
  }
  takeBackLast() {
    const last = this.#outbox.lastUnsent;
    return last && this.takeBack(last);
  }

  /* Active users whose names begin so. */
  names(prefix, most) {
    const found = [];
    for (let i = 0; i < this.#users.length && found.length < most; i++) {
      const name = this.#users.at(i);
      if (name.toLowerCase().startsWith(prefix.toLowerCase()) && !isSameName(name, this.username)) {
        found.push(name);
      }
    }
    return found.length === 1 && isSameName(found[0], prefix) ? [] : found;
  }

  /* ---- Time ---- */

  /* Does whatever is due, shows the state, and sets the alarm for what is due next. */
  tick() {
    if (!this.isOpen) {
      return;
    }
    const now = performance.now();
    if (this.#connection.isDue(now)) {
      this.#connection.trying();
      this.#socket.connect();
    }
    if (this.#askAt !== undefined && now >= this.#askAt && this.#connection.isOnline) {
      this.#askUsers();
    }
    this.#outbox.expire(now);
    this.#outbox.takeDue(now).forEach((entry) => this.#emit(entry));
    this.#sayComings(now);
    this.#views.messages.showRetriable(this.#outbox.retriable.length);
    this.#views.announcer.failed(this.#outbox.failed);
    this.#views.status.show(this.#connection, now, this.#refused);
    this.#wake(now);
    this.#ticked();
  }

  #emit(entry) {
    const { attempt } = entry;
    this.#socket.send({ receiver: entry.receiver, message_text: entry.text, client_id: entry.clientId }, (ack) => {
      this.#outbox.answer(entry, attempt, ack, performance.now());
      this.tick();
    });
  }

  #sayComings(now) {
    const said = this.#comings.take(now);
    if (!said) {
      return;
    }
    const last = this.#timeline.at(-1);
    if (last?.note === "comings") {
      Object.assign(last, merge(last, said), { time: Date.now() });
      if (last.joined.length + last.left.length === 0) {
        this.#timeline.remove(last);
      } else {
        this.#timeline.change(last);
      }
    } else {
      this.#timeline.note({ note: "comings", ...said, time: Date.now() });
    }
  }

  #wake(now) {
    const times = [this.#outbox.nextAt(now), this.#connection.nextAt(now), this.#comings.nextAt(), this.#askAt].filter((at) => at !== undefined);
    clearTimeout(this.#alarm);
    if (times.length > 0) {
      this.#alarm = setTimeout(() => this.tick(), Math.max(0, Math.ceil(Math.min(...times) - now)));
    }
  }

  /* "Today" becomes "Yesterday". */
  #atMidnight() {
    clearTimeout(this.#midnight);
    this.#midnight = setTimeout(() => { this.#views.messages.refresh(); this.#atMidnight(); }, untilTomorrow(Date.now()) + 100);
  }
}

/* What is not as the protocol says is not shown. */
function isUserChange(event) {
  const isNames = (names) => names === undefined || (Array.isArray(names) && names.every((name) => typeof name === "string"));
  return [event?.users, event?.joined, event?.left].every(isNames) && typeof event?.cursor === "string";
}

function isMessage(m) {
  return Number.isSafeInteger(m?.message_id) && [m.sender, m.receiver, m.message_text].every((s) => typeof s === "string") && Number.isFinite(m.sent_at);
}

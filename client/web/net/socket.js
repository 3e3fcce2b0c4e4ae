/* socket.js - one connection of the official client; when to try again is not decided here */
import { io } from "/socket.io/socket.io.esm.min.js";

const CONNECT_MS = 10_000;
const FOR_GOOD = new Set(["not_logged_in", "session_expired"]);

export class Socket {
  #socket;
  #on;
  #end; /* the code of session_end, which comes before the disconnect */

  /* on.session(s), on.message(m), on.users(u), on.lost(), on.ended(code), on.failed(code) */
  constructor({ auth, on }) {
    this.#on = on;
    this.#socket = io({
      autoConnect: false, reconnection: false, forceNew: true, timeout: CONNECT_MS,
      transports: ["websocket", "polling"], tryAllTransports: true, auth: (give) => give(auth()),
    });
    this.#listen({
      session: on.session,
      message_in: on.message,
      message_error: () => {}, /* only for those who ask for no ack */
      user_change_in: on.users,
      session_end: (end) => { this.#end = end?.code ?? "other"; },
      disconnect: () => this.#lost(),
      connect_error: (error) => this.#refused(error?.data?.code),
    });
  }

  #listen(handlers) {
    for (const [event, handler] of Object.entries(handlers)) {
      this.#socket.on(event, handler);
    }
  }

  #lost() {
    this.#socket.sendBuffer = []; /* what it kept back is red now, and sent again only when asked for */
    if (this.#end) {
      this.#on.ended(this.#end);
    } else {
      this.#on.lost();
    }
  }

  #refused(code) {
    if (FOR_GOOD.has(code)) {
      this.#on.ended(code);
    } else {
      this.#on.failed(code);
    }
  }

  connect() {
    this.#socket.sendBuffer = [];
    this.#socket.connect();
  }

  /* The network has gone: better to say so than to find out when a heartbeat is missing. */
  cut() { this.#socket.io.engine?.close(); }

  close() {
    this.#socket.off();
    this.#socket.disconnect();
  }

  send(message, answered) { this.#socket.emit("message_out", message, answered); }
  askUsers(since, answered) { this.#socket.emit("user_change_out", since === undefined ? {} : { since }, answered); }
}

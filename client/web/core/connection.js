/* connection.js - the state of the connection, as it is shown, and when to try again
 *
 * connecting, online, reconnecting (an attempt is running, or `retryAt` says when), offline (the
 * device has no network; tried all the same, because it may be wrong), ended (for good). */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export class Connection {
  #attempt = 0;
  #random;
  #hasNetwork = true;

  state = "connecting";
  retryAt = undefined; /* undefined: an attempt is running, or none is needed */

  constructor(random = Math.random) {
    this.#random = random;
  }

  get isOnline() { return this.state === "online"; }

  start() {
    this.#attempt = 0;
    this.#set("connecting");
  }

  up() {
    this.#attempt = 0;
    this.#set("online");
  }

  /* It was lost, or an attempt failed. */
  down(now) {
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempt++);
    this.#set(this.#away(), now + longest / 2 + (this.#random() * longest) / 2);
  }

  /* An attempt begins: it was time, or somebody did not want to wait. */
  trying() { this.#set(this.state === "connecting" ? "connecting" : this.#away()); }

  end() { this.#set("ended"); }

  network(isThere) {
    this.#hasNetwork = isThere;
    if (this.state === "reconnecting" || this.state === "offline") {
      this.state = this.#away();
    }
  }

  isDue(now) { return this.retryAt !== undefined && now >= this.retryAt; }

  /* Whole seconds to go, at least 1; undefined: an attempt is running. */
  secondsLeft(now) {
    return this.retryAt === undefined ? undefined : Math.max(1, Math.ceil((this.retryAt - now) / 1000));
  }

  /* When what is shown changes next. */
  nextAt(now) {
    return this.retryAt === undefined ? undefined : Math.max(now, this.retryAt - (this.secondsLeft(now) - 1) * 1000);
  }

  #away() { return this.#hasNetwork ? "reconnecting" : "offline"; }

  #set(state, retryAt) {
    this.state = state;
    this.retryAt = retryAt;
  }
}

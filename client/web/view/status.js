/* status.js - the state of the connection in words, always in sight */
import { byId, icon, setText } from "./dom.js";

export class Status {
  #say;

  constructor({ say, tryNow }) {
    this.#say = say;
    byId("try-now").append(icon("again"));
    byId("try-now").addEventListener("click", tryNow);
  }

  /* `refused`: the code with which the server would not have us, if any. */
  show(connection, now, refused) {
    const { state, retryAt } = connection;
    const seconds = connection.secondsLeft(now);
    byId("connection").dataset.state = state;
    byId("connection").dataset.counting = String(retryAt !== undefined);
    const key = retryAt === undefined ? `connection.${state}` : `connection.${state}.in`;
    setText(byId("connection-text"), this.#say(key, { count: seconds ?? 0 }));
    byId("try-now").hidden = retryAt === undefined;
    /* Said once for each state, not every second. */
    setText(byId("connection-said"), this.#say(`connection.${state}`));
    this.#notice(state, refused);
  }

  #notice(state, refused) {
    const isAway = state === "reconnecting" || state === "offline";
    const key = this.#say.has(`refused.${refused}`) ? `refused.${refused}` : "connection.waits";
    setText(byId("notice"), isAway ? this.#say(key) : "");
    byId("notice").hidden = !isAway;
  }
}

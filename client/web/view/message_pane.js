/* message_pane.js - the messages, the button to the newest, and what to do about red ones */
import { looks } from "../core/rows.js";
import { byId, icon, setText } from "./dom.js";
import { MessageRows } from "./message_row.js";
import { VirtualList } from "./virtual_list.js";

const ESTIMATE = 58; /* pixels */
const TAIL = 12;

export class MessagePane {
  #say;
  #timeline;
  #list;
  #fresh = 0; /* messages that came while somebody read further up */
  #versions = new WeakMap(); /* entry -> how often it changed */
  #now;
  #isKnown = false; /* whether something has been said before */

  constructor({ say, dates, palette, timeline, act, now }) {
    this.#say = say;
    this.#timeline = timeline;
    this.#now = now;
    const rows = new MessageRows({ say, dates, palette, act });
    this.#list = new VirtualList({
      scroller: byId("messages"), role: "list", estimate: ESTIMATE, tail: TAIL, followsEnd: true, source: this.#source(rows, dates),
      onScroll: () => this.#showButton(),
    });
    byId("new-messages").prepend(icon("down"));
    byId("new-messages").append(document.createElement("span"));
    byId("new-messages").addEventListener("click", () => this.toEnd());
    byId("retry-all").addEventListener("click", () => act.retryAll());
    this.#showButton();
  }

  #source(rows, dates) {
    const look = (i) => looks(this.#timeline.at(i), i > 0 ? this.#timeline.at(i - 1) : undefined);
    return {
      key: (i) => this.#timeline.at(i).key,
      signature: (i) => {
        const entry = this.#timeline.at(i);
        const { newDay, head } = look(i);
        return `${this.#versions.get(entry) ?? 0} ${newDay ? dates.day(entry.time, this.#now()) : ""} ${head}`;
      },
      render: (i) => rows.render(this.#timeline.at(i), look(i), this.#now()),
    };
  }

  /* What the timeline tells. */
  splice(at, removed, added) {
    this.#list.splice(at, removed, added);
    this.#showEmpty();
  }
  #showEmpty() { byId("empty").hidden = !this.#isKnown || this.#timeline.length > 0; }

  /* All that was said before is here by now. */
  known() {
    this.#isKnown = true;
    this.#showEmpty();
  }
  change(entry) {
    this.#versions.set(entry, (this.#versions.get(entry) ?? 0) + 1);
    this.#list.refresh();
  }
  refresh() { this.#list.refresh(); }

  /* Somebody else's message has come. */
  came() {
    if (!this.#list.atEnd) {
      this.#fresh++;
      this.#showButton();
    }
  }

  toEnd() {
    this.#list.toEnd();
    this.#showButton();
  }

  clear() {
    this.#fresh = 0;
    this.#isKnown = false;
    this.#showEmpty();
    this.toEnd();
  }

  #showButton() {
    this.#fresh = this.#list.atEnd ? 0 : this.#fresh;
    const button = byId("new-messages");
    button.hidden = this.#list.atEnd;
    button.dataset.count = String(this.#fresh);
    const key = this.#fresh > 0 ? "new_messages" : "to_newest";
    setText(button.lastElementChild, this.#say(key, { count: this.#fresh }));
  }

  /* How many are red that may be sent again. */
  showRetriable(count) {
    byId("failed-bar").hidden = count < 2;
    setText(byId("failed-count"), this.#say("failed", { count }));
  }
}

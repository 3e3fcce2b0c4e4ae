/* message_row.js - one entry of the timeline as an element */
import { initial, isJumbo, isPrivate } from "../core/rows.js";
import { controls } from "../core/controls.js";
import { pieces } from "../core/links.js";
import { sentence } from "../core/comings.js";
import { FAILED, mayRetry, SENDING, SENT, WAITING } from "../core/own_message.js";
import { element, icon } from "./dom.js";

export class MessageRows {
  #say;
  #dates;
  #palette;
  #act;

  /* act.retry(entry), act.edit(entry), act.discard(entry) */
  constructor({ say, dates, palette, act }) {
    this.#say = say;
    this.#dates = dates;
    this.#palette = palette;
    this.#act = act;
  }

  /* look: {newDay, head} of core/rows.js */
  render(entry, look, now) {
    const content = entry.kind === "note" ? this.#note(entry) : this.#message(entry, look);
    const row = element("div", { class: "row", role: "listitem", "data-kind": entry.kind }, look.newDay && this.#day(entry, now), content);
    if (entry.kind === "message") {
      this.#mark(row, entry, look);
    }
    return row;
  }

  #mark(row, entry, look) {
    Object.assign(row.dataset, { state: entry.state, own: String(entry.own), private: String(isPrivate(entry)), head: String(look.head) });
    row.dataset.messageId = entry.id ?? "";
    row.dataset.clientId = entry.clientId ?? "";
  }

  #day(entry, now) {
    return element("div", { class: "day", role: "separator" }, element("span", {}, this.#dates.day(entry.time, now)));
  }

  /* ---- A note ---- */

  #note(entry) {
    return element("p", { class: "note", "data-note": entry.note }, this.noteText(entry));
  }

  noteText(entry) {
    if (entry.note !== "comings") {
      return this.#say(`note.${entry.note}`, entry);
    }
    const part = (verb) => entry[verb].length > 0 && sentence(entry[verb], verb, this.#say);
    return [part("joined"), part("left")].filter(Boolean).join(" · ");
  }

  /* ---- A message ---- */

  #message(entry, look) {
    return element("div", { class: "message" },
      !entry.own && this.#avatar(entry, look),
      element("div", { class: "body" },
        (look.head || isPrivate(entry)) && this.#meta(entry, look),
        this.#bubble(entry),
        entry.state === FAILED && this.#failure(entry),
        entry.state === WAITING && element("p", { class: "state" }, this.#say("state.waiting"))));
  }

  #avatar(entry, look) {
    const shown = look.head ? `avatar hue-${this.#palette.hue(entry.sender)}` : "avatar none";
    return element("span", { class: shown, "aria-hidden": "true" }, look.head ? initial(entry.sender) : "");
  }

  #meta(entry, look) {
    const from = look.head && element("bdi", { class: "sender" }, entry.sender);
    return element("div", { class: look.head ? "meta" : "meta said" }, from, isPrivate(entry) && this.#private(entry));
  }

  #private(entry) {
    const key = entry.own ? "private.to" : "private.to_you";
    return element("span", { class: "private" }, icon("lock"), element("span", {}, this.#say(key, { name: entry.receiver })));
  }

  #bubble(entry) {
    const text = element("p", { class: isJumbo(entry.text) ? "text jumbo" : "text", dir: "auto" });
    text.append(...pieces(entry.text).flatMap((piece) => (piece.href ? this.#link(piece) : plain(piece.text))));
    return element("div", { class: "bubble" }, text, this.#stamp(entry));
  }

  #link({ text, href }) {
    return element("a", { href, target: "_blank", rel: "noopener noreferrer", title: href === text ? undefined : href }, text);
  }

  #stamp(entry) {
    const time = new Date(entry.time);
    return element("span", { class: "stamp" },
      element("time", { datetime: time.toISOString(), title: this.#dates.full(entry.time) }, this.#dates.time(entry.time)),
      ...(entry.own ? this.#ownState(entry) : []));
  }

  #ownState({ state }) {
    const shape = { [WAITING]: "clock", [SENDING]: "sending", [SENT]: "sent", [FAILED]: "failed" }[state];
    return [icon(shape), element("span", { class: "said" }, this.#say(`state.${state}`))];
  }

  #failure(entry) {
    const button = (what) => element("button", { type: "button", class: "link", "data-act": what, on: { click: () => this.#act[what](entry) } }, this.#say(what));
    return element("div", { class: "state failure" },
      element("span", { class: "reason" }, reason(this.#say, entry)),
      element("span", { class: "acts" }, mayRetry(entry) && button("retry"), button("edit"), button("discard")));
  }
}

const plain = (text) => controls(text).map((piece) => piece.text ?? element("span", { class: "control" }, piece.control));

/* Why a message of ours is red, in words. */
export function reason(say, entry) {
  const key = `reason.${entry.reason}`;
  return say(say.has(key) ? key : "reason.other", { name: entry.receiver });
}

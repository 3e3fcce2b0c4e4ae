/* composer.js - the box to write in: to whom it goes, completing names, keys */
import { bytesLeft, GROUP, parse, startedName, TEXT_MAX, unparse } from "../core/compose.js";
import { byId, element, icon, setText } from "./dom.js";

const COMPLETIONS = 6;

export class Composer {
  #say;
  #act;
  #text = byId("text");
  #receiver = GROUP; /* chosen in the list */
  #names = []; /* completions on offer */
  #chosen = 0;

  /* act.send({receiver, text}) -> whether it was taken; act.takeBackLast() -> {receiver, text} or
   * undefined; act.names(prefix, most) -> names; act.textMax() -> bytes that the server takes */
  constructor({ say, act }) {
    this.#say = say;
    this.#act = act;
    byId("send").append(icon("send"));
    byId("receiver").prepend(icon("lock"));
    byId("receiver-clear").append(icon("close"));
    byId("composer").addEventListener("submit", (event) => { event.preventDefault(); this.#send(); });
    byId("receiver-clear").addEventListener("click", () => this.writeTo(GROUP));
    byId("completions").addEventListener("mousedown", (event) => this.#clicked(event));
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("blur", () => this.#offer([]));
    addEventListener("resize", () => this.#grow()); /* lines break elsewhere now */
    this.#changed();
  }

  focus() { this.#text.focus(); }

  writeTo(name) {
    this.#receiver = name;
    /* A name that was typed would win over the one just chosen. */
    const typed = parse(this.#text.value);
    this.#text.value = typed.receiver === GROUP ? this.#text.value : typed.text;
    this.#changed();
    this.focus();
  }

  edit(message) {
    this.#receiver = GROUP;
    this.#text.value = unparse(message);
    this.#changed();
    this.focus();
    this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  /* What is half written, and to whom. */
  get draft() { return { receiver: this.#receiver, text: this.#text.value }; }
  set draft({ receiver, text }) {
    this.#receiver = receiver;
    this.#text.value = text;
    this.#changed();
  }

  clear() {
    this.draft = { receiver: GROUP, text: "" };
  }

  /* ---- Sending ---- */

  #send() {
    const message = parse(this.#text.value, this.#receiver);
    if (message.text === "") {
      return;
    }
    if (message.text.length > TEXT_MAX) {
      this.hint("text.too_long");
    } else if (this.#act.send(message)) {
      this.#text.value = "";
      this.#changed();
    } else {
      this.hint("text.full");
    }
  }

  hint(key) { setText(byId("composer-hint"), key ? this.#say(key) : ""); }

  /* ---- Keys ---- */

  #key(event) {
    if (event.isComposing || this.#completionKey(event)) {
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp" && this.#text.value === "") {
      this.#editLast(event);
    } else if (event.key === "Escape") {
      this.#escape(event);
    }
  }

  #editLast(event) {
    const message = this.#act.takeBackLast();
    if (message) {
      event.preventDefault();
      this.edit(message);
    }
  }

  /* Back to everybody; what was typed is never lost by it. */
  #escape(event) {
    if (this.#receiver !== GROUP) {
      event.stopPropagation();
      this.writeTo(GROUP);
    }
  }

  /* ---- What the text says of itself ---- */

  #changed() {
    const { receiver, text } = parse(this.#text.value, this.#receiver);
    byId("receiver").hidden = receiver === GROUP;
    byId("receiver-clear").hidden = receiver !== this.#receiver;
    byId("composer").dataset.receiver = receiver;
    byId("composer").dataset.private = String(receiver !== GROUP);
    setText(byId("receiver-text"), receiver === GROUP ? this.#say("receiver.group") : this.#say("receiver.private", { name: receiver }));
    byId("receiver-text").title = receiver === GROUP ? "" : receiver;
    this.#text.placeholder = receiver === GROUP ? this.#say("text.group") : this.#say("text.private", { name: receiver });
    byId("send").disabled = parse(this.#text.value).text === "";
    this.hint();
    this.#count(bytesLeft(text, this.#act.textMax()));
    this.#grow();
    const prefix = startedName(this.#text.value);
    this.#offer(prefix === undefined ? [] : this.#act.names(prefix, COMPLETIONS));
  }

  /* The server decides what is too long: nothing is held back here. */
  #count(left) {
    byId("bytes").hidden = left === undefined;
    byId("bytes").dataset.over = String(left < 0);
    setText(byId("bytes"), left === undefined ? "" : this.#say(left < 0 ? "text.over" : "text.left", { count: Math.abs(left) }));
  }

  #grow() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }

  /* ---- Completing a name ---- */

  #offer(names) {
    this.#names = names;
    this.#chosen = 0;
    byId("completions").hidden = names.length === 0;
    this.#showOffers();
  }

  #showOffers() {
    byId("completions").replaceChildren(...this.#names.map((name, i) =>
      element("li", { role: "option", id: `completion-${i}`, "data-name": name, "aria-selected": String(i === this.#chosen) }, element("bdi", {}, name))));
    if (this.#names.length > 0) {
      this.#text.setAttribute("aria-activedescendant", `completion-${this.#chosen}`);
    } else {
      this.#text.removeAttribute("aria-activedescendant");
    }
  }

  /* Whether the key was for the completions. */
  #completionKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const takes = event.key === "Tab" || event.key === "Enter" || event.key === "Escape";
    if (this.#names.length === 0 || (!takes && step === undefined) || event.shiftKey) {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    if (step !== undefined) {
      this.#chosen = (this.#chosen + step + this.#names.length) % this.#names.length;
      this.#showOffers();
    } else if (event.key === "Escape") {
      this.#offer([]);
    } else {
      this.#complete(this.#names[this.#chosen]);
    }
    return true;
  }

  #clicked(event) {
    const name = event.target.closest("[data-name]")?.dataset.name;
    event.preventDefault(); /* the focus stays in the box */
    if (name !== undefined) {
      this.#complete(name);
    }
  }

  #complete(name) {
    this.#text.value = `@${name} `;
    this.#changed();
  }
}

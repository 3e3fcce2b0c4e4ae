/* user_pane.js - the list of active users: whoever is chosen there is written to privately */
import { initial } from "../core/rows.js";
import { isSameName } from "../core/user_list.js";
import { byId, element, icon, setText } from "./dom.js";
import { VirtualList } from "./virtual_list.js";

const ROW = 44; /* pixels */
const PAGE = 10; /* rows */

export class UserPane {
  #say;
  #users;
  #list;
  #palette;
  #shown = []; /* the names, as filtered */
  #me = "";
  #active = -1; /* the row that the keyboard is at */
  #choose;
  #narrow = matchMedia("(max-width: 760px)");

  constructor({ say, users, palette, choose }) {
    this.#say = say;
    this.#users = users;
    this.#palette = palette;
    this.#choose = choose;
    this.#list = new VirtualList({
      scroller: byId("users"), role: "presentation", estimate: ROW,
      source: { key: (i) => this.#shown[i], signature: (i) => `${i === this.#active} ${this.#isMe(i)}`, render: (i) => this.#row(i) },
    });
    byId("users-close").append(icon("close"));
    byId("users-button").append(icon("users"), element("span", { class: "badge" }));
    this.#listen();
    this.#narrow.addEventListener("change", () => this.open(false));
    this.open(false);
  }

  #listen() {
    byId("users").addEventListener("click", (event) => this.#clicked(event));
    byId("users").addEventListener("keydown", (event) => this.#key(event));
    byId("users").addEventListener("blur", () => this.#goTo(-1));
    byId("user-filter").addEventListener("input", () => this.#filter());
    byId("user-filter").addEventListener("keydown", (event) => event.key === "ArrowDown" && (event.preventDefault(), byId("users").focus(), this.#goTo(0)));
    byId("users-button").addEventListener("click", () => this.open(!this.isOpen));
    byId("users-close").addEventListener("click", () => this.open(false, true));
    byId("backdrop").addEventListener("click", () => this.open(false, true));
  }

  /* ---- What it shows ---- */

  update(me) {
    this.#me = me;
    this.#filter();
    const count = this.#say("users.count", { count: this.#users.length });
    setText(byId("user-count"), this.#say("number", { count: this.#users.length }));
    setText(byId("users-button").lastElementChild, this.#say("number", { count: this.#users.length }));
    byId("user-count").setAttribute("aria-label", count);
    byId("users-button").setAttribute("aria-label", this.#say("users.show", { count: this.#users.length }));
  }

  /* The list is empty now; what was looked for is nobody else's affair. */
  clear() {
    byId("user-filter").value = "";
    this.#filter();
  }

  #filter() {
    const wanted = byId("user-filter").value.trim().toLowerCase();
    const active = this.#shown[this.#active];
    const top = this.#shown[this.#list.top];
    this.#shown = [];
    for (let i = 0; i < this.#users.length; i++) {
      const name = this.#users.at(i);
      if (wanted === "" || name.toLowerCase().includes(wanted)) {
        this.#shown.push(name);
      }
    }
    this.#active = active === undefined ? -1 : this.#shown.indexOf(active);
    this.#tellActive();
    setText(byId("users-none"), wanted !== "" && this.#shown.length === 0 ? this.#say("users.none") : "");
    this.#list.reset(this.#shown.length, top === undefined ? -1 : this.#shown.indexOf(top));
  }

  #isMe(i) { return isSameName(this.#shown[i], this.#me); }

  #row(i) {
    const name = this.#shown[i];
    const you = this.#isMe(i) && element("span", { class: "you" }, this.#say("users.you"));
    return element("div", { class: i === this.#active ? "user active" : "user", role: "option", id: `user-${name}`, "data-name": name, "aria-selected": String(i === this.#active) },
      element("span", { class: `avatar hue-${this.#palette.hue(name)}`, "aria-hidden": "true" }, initial(name)),
      element("bdi", { class: "user-name", title: name }, name), you);
  }

  /* ---- Choosing ---- */

  #clicked(event) {
    const name = event.target.closest("[data-name]")?.dataset.name;
    if (name !== undefined) {
      this.#pick(name);
    }
  }

  #pick(name) {
    this.open(false);
    this.#choose(name);
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      this.#goTo(Math.min(this.#shown.length - 1, Math.max(0, this.#active + step)));
    } else if ((event.key === "Enter" || event.key === " ") && this.#active >= 0) {
      event.preventDefault();
      this.#pick(this.#shown[this.#active]);
    }
  }

  #goTo(row) {
    if (row === this.#active || row >= this.#shown.length) {
      return;
    }
    this.#active = row;
    if (row >= 0) {
      this.#list.reveal(row);
    }
    this.#tellActive();
    this.#list.refresh();
  }

  #tellActive() {
    if (this.#active >= 0) {
      byId("users").setAttribute("aria-activedescendant", `user-${this.#shown[this.#active]}`);
    } else {
      byId("users").removeAttribute("aria-activedescendant");
    }
  }

  /* ---- On a narrow screen it is a drawer ---- */

  get isOpen() { return byId("chat").dataset.users === "open"; }

  /* Returns whether there was something to close. */
  open(isOpen, giveFocus = false) {
    const was = this.isOpen;
    byId("chat").dataset.users = isOpen ? "open" : "closed";
    byId("users-button").setAttribute("aria-expanded", String(isOpen));
    byId("users-pane").inert = this.#narrow.matches && !isOpen;
    for (const behind of document.querySelectorAll(".bar, .conversation")) {
      behind.inert = this.#narrow.matches && isOpen;
    }
    if (isOpen) {
      byId("users").focus();
      this.#list.refresh();
    } else if (was && giveFocus) {
      byId("users-button").focus();
    }
    return was && !isOpen;
  }
}

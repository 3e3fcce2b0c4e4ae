/* menu.js - what the reader may choose: colours, sound, notifications; and signing out */
import { byId, icon, setText } from "./dom.js";

export class Menu {
  #say;
  #settings;

  /* allowNotifications() -> whether the browser lets us */
  constructor({ say, settings, allowNotifications, testSound, signOut }) {
    this.#say = say;
    this.#settings = settings;
    byId("menu-button").append(icon("menu"));
    byId("menu-button").addEventListener("click", () => this.open(!this.isOpen));
    byId("sign-out").addEventListener("click", () => { this.open(false); signOut(); });
    document.addEventListener("pointerdown", (event) => this.#outside(event.target));
    byId("menu").addEventListener("focusout", (event) => event.relatedTarget && this.#outside(event.relatedTarget));
    this.#theme();
    this.#switch("sound", async (on) => { if (on) { testSound(); } return on; });
    this.#switch("notifications", async (on) => on && this.#asked(await allowNotifications()));
  }

  #asked(isAllowed) {
    setText(byId("menu-hint"), isAllowed ? "" : this.#say("notifications.refused"));
    return isAllowed;
  }

  #theme() {
    const chosen = this.#settings.get("theme") ?? "system";
    for (const input of document.querySelectorAll("#theme input")) {
      input.checked = input.value === chosen;
      input.addEventListener("change", () => this.#applyTheme(input.value));
    }
    this.#applyTheme(chosen);
  }

  #applyTheme(theme) {
    this.#settings.set("theme", theme === "system" ? undefined : theme);
    if (theme === "system") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = theme;
    }
  }

  #switch(name, change) {
    const input = byId(name);
    input.checked = this.#settings.get(name) === "on";
    input.addEventListener("change", async () => {
      input.checked = await change(input.checked);
      this.#settings.set(name, input.checked ? "on" : undefined);
    });
  }

  get isOpen() { return !byId("menu").hidden; }

  /* Returns whether there was something to close. */
  open(isOpen) {
    const was = this.isOpen;
    byId("menu").hidden = !isOpen;
    byId("menu-button").setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      byId("menu").querySelector("input:checked, input").focus();
    } else if (was && byId("menu").contains(document.activeElement)) {
      byId("menu-button").focus();
    }
    return was && !isOpen;
  }

  #outside(target) {
    if (this.isOpen && !byId("menu").contains(target) && !byId("menu-button").contains(target)) {
      this.open(false);
    }
  }
}

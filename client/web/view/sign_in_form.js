/* sign_in_form.js - the form to sign in, and why it did not work */
import { check, refusal, secondsLeft, textKey } from "../core/sign_in.js";
import { byId, setText } from "./dom.js";

export class SignInForm {
  #say;
  #signIn;
  #now;
  #refused;
  #told; /* the key of the text that was said aloud */
  #isBusy = false;
  #timer;

  /* signIn(name) -> the answer of net/session.js, when it has been dealt with */
  constructor({ say, signIn, now }) {
    this.#say = say;
    this.#signIn = signIn;
    this.#now = now;
    byId("sign-in-form").addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    byId("name").addEventListener("input", () => this.#show(undefined));
  }

  open(notice = "") {
    setText(byId("sign-in-notice"), notice);
    this.#show(undefined);
    byId("name").focus();
    byId("name").select();
  }

  set name(name) { byId("name").value = name; }

  async #submit() {
    const name = byId("name").value.trim();
    const wrong = check(name);
    if (wrong || this.#isBusy || secondsLeft(this.#refused, this.#now()) > 0) {
      this.#show(wrong ?? this.#refused);
      return;
    }
    this.#busy(true);
    const answer = await this.#signIn(name);
    this.#busy(false);
    this.#show(answer.ok ? undefined : refusal(name, answer, this.#now()));
  }

  #busy(isBusy) {
    this.#isBusy = isBusy;
    byId("sign-in-form").setAttribute("aria-busy", String(isBusy));
    this.#button();
  }

  /* As long as there is something to wait for, it counts down. */
  #show(refused) {
    clearTimeout(this.#timer);
    this.#refused = refused;
    const seconds = secondsLeft(refused, this.#now());
    byId("sign-in-form").dataset.refused = refused?.reason ?? "";
    byId("name").setAttribute("aria-invalid", String(refused !== undefined));
    this.#tell(refused, seconds);
    this.#button();
    if (seconds > 0) {
      this.#timer = setTimeout(() => this.#show(refused), 1000);
    }
  }

  /* Seen as it counts down, heard once, and once more when the time is over. */
  #tell(refused, seconds) {
    const key = refused && textKey(refused, this.#now());
    const text = key ? this.#say(key, { name: refused.name, count: seconds }) : "";
    setText(byId("sign-in-error"), text);
    if (key !== this.#told) {
      this.#told = key;
      setText(byId("alarm"), text);
    }
  }

  #button() {
    const waits = secondsLeft(this.#refused, this.#now()) > 0;
    byId("sign-in-button").disabled = this.#isBusy || waits;
    setText(byId("sign-in-button"), this.#say(this.#isBusy ? "sign_in.busy" : this.#refused && !waits ? "sign_in.retry" : "sign_in.button"));
  }
}

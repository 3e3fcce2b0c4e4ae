/* attention.js - what calls somebody back who looks elsewhere: title, notification, sound */
import { visible } from "../core/controls.js";

const TITLE = "Parley";
const SOUND_EVERY_MS = 2000;
const TEXT_SHOWN = 140;

export class Attention {
  #settings;
  #say;
  #unread = 0;
  #audio;
  #soundAt = -Infinity;

  constructor({ say, settings }) {
    this.#say = say;
    this.#settings = settings;
    for (const event of ["focus", "visibilitychange"]) {
      (event === "focus" ? window : document).addEventListener(event, () => this.#looked());
    }
  }

  get isLooking() { return document.visibilityState === "visible" && document.hasFocus(); }

  /* A message of somebody else. */
  came(entry, isPrivate, now) {
    if (this.isLooking) {
      return;
    }
    this.#unread++;
    this.#title();
    if (this.#settings.get("sound") === "on" && now - this.#soundAt > SOUND_EVERY_MS) {
      this.#soundAt = now;
      this.sound();
    }
    if (this.#settings.get("notifications") === "on") {
      this.#notify(entry, isPrivate);
    }
  }

  clear() {
    this.#unread = 0;
    this.#title();
  }

  #looked() {
    if (this.isLooking) {
      this.clear();
    }
  }

  #title() { document.title = this.#unread > 0 ? `(${this.#unread}) ${TITLE}` : TITLE; }

  /* ---- Notifications ---- */

  async allow() {
    return "Notification" in window && (await Notification.requestPermission()) === "granted";
  }

  #notify(entry, isPrivate) {
    if (!("Notification" in window) || Notification.permission !== "granted") {
      return;
    }
    const title = isPrivate ? this.#say("notification.private", { name: entry.sender }) : entry.sender;
    try {
      const shown = new Notification(title, { body: visible(entry.text.slice(0, TEXT_SHOWN)), tag: "parley", icon: "/web/favicon.svg", dir: "auto" });
      shown.onclick = () => { window.focus(); shown.close(); };
    } catch {
      /* some browsers have them only for service workers */
    }
  }

  /* ---- A short tone, two soft notes ---- */

  sound() {
    try {
      this.#audio ??= new AudioContext();
      this.#audio.resume();
      this.#note(660, 0);
      this.#note(880, 0.09);
    } catch {
      /* no sound device */
    }
  }

  #note(frequency, after) {
    const start = this.#audio.currentTime + after;
    const tone = new OscillatorNode(this.#audio, { type: "sine", frequency });
    const volume = new GainNode(this.#audio, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.08, start + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.22);
    tone.connect(volume).connect(this.#audio.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  }
}

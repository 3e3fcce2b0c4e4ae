/* app.js - puts the page together: signing in, the chat, and which of the two is shown */
import { Conversation } from "./conversation.js";
import { Dates } from "./core/dates.js";
import { pack, unpack } from "./core/kept.js";
import { Palette } from "./core/palette.js";
import { initial } from "./core/rows.js";
import { choose, speaker } from "./core/texts.js";
import { Timeline } from "./core/timeline.js";
import { isSameName, UserList } from "./core/user_list.js";
import de from "./lang/de.js";
import en from "./lang/en.js";
import * as session from "./net/session.js";
import { Settings } from "./settings.js";
import { Tab } from "./tab.js";
import { Announcer } from "./view/announcer.js";
import { Attention } from "./view/attention.js";
import { Composer } from "./view/composer.js";
import { byId, fillTexts, setText } from "./view/dom.js";
import { Menu } from "./view/menu.js";
import { MessagePane } from "./view/message_pane.js";
import { SignInForm } from "./view/sign_in_form.js";
import { Status } from "./view/status.js";
import { UserPane } from "./view/user_pane.js";

const LOOK_AGAIN_MS = 3000;
const BLANK_MS = 1000; /* as long may the page be empty */

const { language, locale } = choose([en, de], navigator.languages);
const say = speaker(language, locale);
document.documentElement.lang = language.code;
document.documentElement.dir = language.dir;
fillTexts(say);

/* ---- The parts ---- */

const settings = new Settings();
const tab = new Tab();
const users = new UserList();
const palette = new Palette();
const timeline = new Timeline({
  watch: { splice: (...args) => messages.splice(...args), change: (entry) => messages.change(entry) },
});
const attention = new Attention({ say, settings });
const messages = new MessagePane({
  say, dates: new Dates(say), palette, timeline, now: Date.now,
  act: {
    retry: (entry) => { conversation.retry(entry); composer.focus(); },
    edit: (entry) => composer.edit(conversation.takeBack(entry)),
    discard: (entry) => { conversation.takeBack(entry); composer.focus(); },
    retryAll: () => { conversation.retryAll(); composer.focus(); },
  },
});
const userPane = new UserPane({ say, users, palette, choose: (name) => composer.writeTo(name) });
const conversation = new Conversation({
  views: {
    messages, users: userPane, attention, announcer: new Announcer({ say }),
    status: new Status({ say, tryNow: () => conversation.tryNow() }),
  },
  timeline, users, ended, changed, ticked: () => document.hidden && keep(),
});
const composer = new Composer({
  say,
  act: {
    send: (message) => conversation.send(message),
    takeBackLast: () => conversation.takeBackLast(),
    names: (prefix, most) => conversation.names(prefix, most),
    textMax: () => conversation.textMax,
  },
});
const menu = new Menu({ say, settings, allowNotifications: () => attention.allow(), testSound: () => attention.sound(), signOut });
const signInForm = new SignInForm({ say, signIn, now: () => performance.now() });

/* ---- Who is here ---- */

async function signIn(name) {
  const answer = await session.login(name);
  if (answer.ok) {
    enter(answer.username);
  }
  return answer;
}

/* isReturning: the session has been there before. */
function enter(username, { isReturning = false } = {}) {
  if (conversation.isOpen) {
    conversation.close(); /* found by look() while the answer to the sign-in was still coming */
  }
  show("chat");
  introduce(username);
  const kept = ofUser(username, unpack(tab.kept));
  if (kept) {
    composer.draft = kept.draft;
  } else if (!conversation.isLeftBy(username)) {
    composer.clear();
  }
  conversation.open(username, { isReturning, unsent: kept?.unsent });
  tab.kept = undefined;
  composer.focus();
}

const ofUser = (username, kept) => (kept && isSameName(kept.username, username) ? kept : undefined);

/* A page that is hidden may be gone without a word: the browser of a phone takes it away. */
function keep() {
  if (conversation.isOpen) {
    tab.kept = pack({ username: conversation.username, draft: composer.draft, unsent: conversation.unsent });
  }
}

function introduce(username) {
  setText(byId("my-name"), username);
  byId("my-name").title = username;
  setText(byId("menu-name"), username);
  setText(byId("my-avatar"), initial(username));
  byId("my-avatar").className = `avatar hue-${palette.hue(username)}`;
}

/* The session is over, in this tab and all others. */
let isSigningOut = false;
function ended(code) {
  const key = isSigningOut ? "ended.signed_out" : `ended.${code}`;
  leave(say(say.has(key) ? key : "ended.other"));
}

function leave(notice) {
  const name = byId("my-name").textContent;
  signInForm.name = name;
  if (!conversation.isLeftBy(name)) {
    tab.kept = undefined;
  }
  palette.clear();
  menu.open(false);
  userPane.open(false);
  show("sign-in");
  signInForm.open(notice);
}

/* Somebody else has signed in, in this browser: the connection is already theirs. */
function changed(username) {
  introduce(username);
  composer.clear();
  userPane.update(username);
  timeline.note({ note: "changed", name: username, time: Date.now() });
}

async function signOut() {
  isSigningOut = true;
  const answer = await session.logout(conversation.username);
  isSigningOut = false;
  if (!conversation.isOpen) {
    return; /* session_end came before the answer */
  }
  if (answer.ok || answer.code === "not_logged_in") {
    conversation.close();
    leave(say("ended.signed_out"));
  } else if (answer.code === "forbidden") {
    await look();
  } else {
    composer.hint("sign_out.failed");
  }
}

/* The cookie may have become another's, or ours again, while nobody looked here. */
async function look() {
  const answer = await session.who();
  if (!answer.ok) {
    return answer;
  }
  if (!conversation.isOpen) {
    enter(answer.username, { isReturning: true });
  } else if (!isSameName(answer.username, conversation.username)) {
    conversation.close();
    enter(answer.username, { isReturning: true });
    changed(answer.username);
  }
  return answer;
}

addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    keep();
  } else if (conversation.isOpen) {
    tab.kept = undefined; /* it is here, and may be sent by now */
  }
});

/* ---- What is shown ---- */

function show(view) {
  document.body.dataset.view = view;
  byId("sign-in").hidden = view !== "sign-in";
  byId("chat").hidden = view !== "chat";
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) {
    if (!menu.open(false) && !userPane.open(false, true)) {
      composer.focus();
    }
  }
});
addEventListener("focus", () => document.body.dataset.view !== "start" && look());

function openForm(notice) {
  if (document.body.dataset.view === "start") {
    show("sign-in");
    signInForm.open(notice);
  }
}

/* A service that is away may still know us when it comes back; one that is slow keeps nobody before
 * an empty page. */
async function begin() {
  const timer = setTimeout(() => openForm(say("connection.connecting")), BLANK_MS);
  const { ok, code } = await look();
  clearTimeout(timer);
  if (ok || conversation.isOpen) {
    return;
  }
  const isAway = code !== "not_logged_in";
  openForm();
  setText(byId("sign-in-notice"), isAway ? say("sign_in.away") : "");
  if (isAway) {
    setTimeout(begin, LOOK_AGAIN_MS);
  }
}

begin();

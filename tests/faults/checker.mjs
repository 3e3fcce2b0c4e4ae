/* checker.mjs - judges the diaries of a run by the invariants
 *
 *   A   a message reaches nobody but its sender, its receiver or the group, and as it was sent
 *   M1  every acknowledged message reaches every tab that was in its audience and is there at the end,
 *       or that tab was told (recovered: false) that messages after its last one may be missing
 *   M2  exactly once: no tab gets an id, or a message under two ids, twice
 *   M3  ids strictly increase at each tab, across its reconnections
 *   M4  a message told as unsent is never delivered, or confirmed with its first id when sent again
 *   P1  nobody stays in a list longer than the bound after the last connection
 *   P2  nobody leaves a list who was connected within the grace period
 *   P3  in presence:log versions have no gap, and each user's + and - alternate
 *   P4  at the end every list is what Redis has
 *   S1  nothing is accepted from, or delivered to, a session that ended more than a round trip ago
 *
 * Unknown outcomes: when Redis loses data, a message whose answer was outstanding may have been accepted
 * by the Redis that forgot it.  Such messages are counted, and exempt from "once" and from M4.
 *
 * A pure function over lines (diary.mjs); nothing here waits or connects. */
import { userOf } from "./diary.mjs";

const DEFINITE = new Set(["no_such_user", "invalid", "too_large", "rate_limited", "session_expired"]);
const SHOWN_MAX = 20; /* violations of one rule that are spelled out */

export const DEFAULTS = {
  graceMs: 30_000,
  ghostMs: 80_000, /* ping interval and timeout, grace, sweep, and slack */
  slackMs: 1000, /* between what a client knows and what its server knew */
  endMs: 2000, /* a round trip, on a busy machine */
};

class Report {
  violations = []; /* {rule, at, text} */
  counts = {}; /* rule -> number */
  blame(rule, at, text) {
    this.counts[rule] = (this.counts[rule] ?? 0) + 1;
    if (this.counts[rule] <= SHOWN_MAX) {
      this.violations.push({ rule, at, text });
    }
  }
}

/* ---- Reading: what each message, tab and user lived through ---- */

function newMessage(key, tab, receiver, at) {
  return { key, tab, sender: userOf(tab), receiver, at, attempts: [], ids: new Set(), okAt: undefined, refused: undefined, unknown: false, got: new Map() };
}
function newTab(name) {
  return { name, user: userOf(name), eras: [], connections: [], told: [], lastId: 0, lastAt: 0, got: new Set(), view: new Map(), roster: undefined, believes: false, firstSession: undefined };
}

class Story {
  messages = new Map();
  tabs = new Map();
  users = new Map(); /* user -> {tabs, logins, ends}: times at which sessions of his began and ended */
  lost = []; /* [from, to] in which Redis lost data */
  faults = [];
  online;
  log;
  end = 0;

  constructor(lines, report) {
    this.report = report;
    for (const line of lines) {
      this.end = line[0];
      this[`on_${line[1]}`]?.(line[0], ...line.slice(2));
    }
  }

  tab(name) {
    let tab = this.tabs.get(name);
    if (!tab) {
      tab = newTab(name);
      this.tabs.set(name, tab);
      this.user(tab.user).tabs.push(tab);
    }
    return tab;
  }
  user(name) {
    let user = this.users.get(name);
    if (!user) {
      user = { name, tabs: [], ends: [], logins: [] };
      this.users.set(name, user);
    }
    return user;
  }

  on_fault(at, what) {
    this.faults.push({ at, what });
    if (what === "lost") {
      const open = this.lost.at(-1);
      if (open && open.length === 1) {
        open.push(at);
      } else {
        this.lost.push([at]);
      }
    }
  }
  on_login(at, user) {
    this.user(user).logins.push(at);
    /* Another session: what the former one missed is not this one's. */
    for (const tab of this.user(user).tabs) {
      this.#endEra(tab, at);
      tab.firstSession = undefined;
    }
  }
  on_logout(at, user) {
    this.#sessionEnds(at, user);
  }
  on_end(at, tab) {
    this.#sessionEnds(at, userOf(tab), this.tab(tab));
  }
  on_refused(at, name, code) {
    if (code === "session_expired" || code === "not_logged_in") {
      this.#sessionEnds(at, userOf(name), this.tab(name));
    }
  }
  #sessionEnds(at, name, only) {
    const user = this.user(name);
    user.ends.push(at);
    for (const tab of only ? [only] : user.tabs) {
      this.#endEra(tab, at);
    }
  }
  #endEra(tab, at) {
    const era = tab.eras.at(-1);
    if (era && era.to === undefined) {
      era.to = at;
      era.lastId = tab.lastId;
      era.lastAt = tab.lastAt;
    }
  }

  on_connect(at, name) {
    this.tab(name).believes = true;
    this.tab(name).connections.push([at]);
  }
  on_disconnect(at, name) {
    this.tab(name).believes = false;
    this.#over(at, this.tab(name));
  }
  on_lost(at, name) {
    this.on_disconnect(at, name);
  }
  #over(at, tab) {
    const open = tab.connections.at(-1);
    if (open && open.length === 1) {
      open.push(at);
    }
  }
  /* A pulled cable: whatever the client believes, it is not connected. */
  on_dark(at, name, on) {
    const tab = this.tab(name);
    if (!on) {
      this.#over(at, tab);
    } else if (tab.believes && !connectedAtEnd(tab)) {
      tab.connections.push([at]);
    }
  }
  on_session(at, name, recovered) {
    const tab = this.tab(name);
    if (tab.firstSession === undefined) {
      tab.firstSession = at;
      tab.lastId = 0; /* ids are compared within one session */
      tab.eras.push({ from: at });
      tab.got = new Set();
    } else if (!recovered) {
      tab.told.push({ at, lastId: tab.lastId, era: tab.eras.length - 1 });
    }
  }

  on_send(at, tab, key, receiver) {
    let message = this.messages.get(key);
    if (!message) {
      message = newMessage(key, tab, receiver, at);
      this.messages.set(key, message);
    }
    message.attempts.push({ at, answer: undefined });
  }
  on_ack(at, tab, key, what, value, dup) {
    const message = this.messages.get(key);
    if (!message) {
      this.report.blame("M4", at, `${tab}: an answer to ${key}, which was never sent`);
      return;
    }
    const attempt = message.attempts.find((a) => a.answer === undefined) ?? message.attempts.at(-1);
    attempt.answer = what === "ok" ? "ok" : value;
    attempt.answeredAt = at;
    if (what !== "ok") {
      message.refused = value;
      return;
    }
    if (dup && message.attempts.length === 1) {
      this.report.blame("M4", at, `${key} was sent once, and told as a duplicate of ${value}`);
    }
    message.ids.add(value);
    message.okAt ??= at;
  }
  on_unsent(at, tab, key, why) {
    const attempt = this.messages.get(key)?.attempts.at(-1);
    if (attempt && attempt.answer === undefined) {
      attempt.answer = why;
      attempt.answeredAt = at;
    }
  }

  on_recv(at, name, id, key, sender, receiver) {
    const tab = this.tab(name);
    const blame = (...what) => this.report.blame(...what);
    if (tab.got.has(id)) {
      blame("M2", at, `${name} got ${id} (${key}) twice`);
    } else if (id <= tab.lastId) {
      blame("M3", at, `${name} got ${id} (${key}) after ${tab.lastId}`);
    }
    tab.got.add(id);
    tab.lastId = Math.max(tab.lastId, id);
    tab.lastAt = at;
    const message = this.messages.get(key);
    if (!message || message.sender !== sender || message.receiver !== receiver) {
      blame("A", at, `${name} got ${id}: "${key}" from ${sender} to ${receiver}, which nobody sent`);
    } else if (receiver !== "group" && tab.user !== sender && tab.user !== receiver) {
      blame("A", at, `${name} got ${id} (${key}), which is from ${sender} to ${receiver}`);
    }
    if (!message) {
      return;
    }
    const got = message.got.get(name);
    if (got) {
      got.push(id);
    } else {
      message.got.set(name, [id]);
    }
  }

  on_seen(at, name, sign, names) {
    const { view } = this.tab(name);
    for (const user of names) {
      let seen = view.get(user);
      if (!seen) {
        seen = [];
        view.set(user, seen);
      }
      seen.push({ at, sign });
    }
  }
  on_roster(at, name, names) {
    this.tab(name).roster = names;
  }
  on_online(at, names) {
    this.online = names;
  }
  on_log(at, entries) {
    this.log = entries;
  }
}

/* ---- Messages ---- */

/* Was an answer outstanding, or missing, while Redis lost data? */
function outcomeUnknown(message, lost) {
  return lost.some(([from, to = Infinity]) => message.attempts.some((a) =>
    a.at <= to && a.answer !== "ok" && !DEFINITE.has(a.answer) && (a.answeredAt ?? Infinity) >= from));
}

function judgeOnce(message, report) {
  const received = new Set([...message.got.values()].flat());
  if (message.unknown) {
    return;
  }
  for (const [tab, ids] of message.got) {
    if (new Set(ids).size > 1) {
      report.blame("M2", message.at, `${tab} got ${message.key} under the ids ${ids.join(", ")}`);
    }
  }
  if (message.ids.size > 1) {
    report.blame("M4", message.at, `${message.key} was confirmed with the ids ${[...message.ids].join(", ")}`);
  } else if (message.ids.size === 1) {
    const [id] = message.ids;
    const others = [...received].filter((r) => r !== id);
    if (others.length) {
      report.blame("M4", message.at, `${message.key} was confirmed as ${id} and delivered as ${others.join(", ")}`);
    }
  } else if (received.size && message.attempts.every((a) => DEFINITE.has(a.answer))) {
    report.blame("M4", message.at, `${message.key} was refused (${message.refused}) and delivered as ${[...received].join(", ")}`);
  }
}

/* The tabs that must have it: there before it was sent, in the same session. */
function* audience(message, story) {
  const users = message.receiver === "group" ? story.users.values() : [message.receiver, message.sender].map((name) => story.users.get(name));
  for (const user of new Set(users)) {
    yield* user?.tabs ?? [];
  }
}

const connectedAtEnd = (tab) => tab.connections.length > 0 && tab.connections.at(-1).length === 1;

/* Why a tab need not have that message; "" if it must. */
function excuse(tab, message, id) {
  const index = tab.eras.findIndex((e) => e.from < message.at && (e.to === undefined || message.at < e.to));
  if (index < 0) {
    return "not there";
  }
  const era = tab.eras[index];
  /* What it got before the message was sent has a higher id only when Redis, emptied, began anew. */
  if (era.to !== undefined && (id > era.lastId || era.lastAt < message.at)) {
    return "its session ended";
  }
  if (tab.told.some((told) => told.era === index && told.at > message.at && told.lastId < id)) {
    return "told";
  }
  return !connectedAtEnd(tab) && id > tab.lastId ? "gone" : "";
}

function judgeDelivery(story, report, figures) {
  for (const message of story.messages.values()) {
    if (message.ids.size === 0 || message.unknown) {
      continue;
    }
    const id = Math.min(...message.ids);
    for (const tab of audience(message, story)) {
      if (message.got.has(tab.name)) {
        continue;
      }
      const why = excuse(tab, message, id);
      figures.told += why === "told";
      if (why === "") {
        report.blame("M1", message.at, `${tab.name} never got ${id} (${message.key} to ${message.receiver}), acknowledged after ${Math.round(message.okAt - message.at)} ms`);
      }
    }
  }
}

/* ---- Sessions ---- */

function judgeEnds(lines, story, report, { endMs }) {
  const ended = new Map(); /* user -> time of the answered logout */
  for (const [at, kind, who, ...more] of lines) {
    if (kind === "logout") {
      ended.set(who, at);
    } else if (kind === "login") {
      ended.delete(who);
    } else if ((kind === "recv" || (kind === "ack" && more[1] === "ok")) && ended.has(userOf(who)) && at > ended.get(userOf(who)) + endMs) {
      report.blame("S1", at, `${who}: ${kind} ${more.slice(0, 3).join(" ")}, ${Math.round(at - ended.get(userOf(who)))} ms after the logout`);
    } else if (kind === "send" && ended.has(userOf(who))) {
      const attempt = story.messages.get(more[0]).attempts.find((a) => a.at === at);
      if (attempt?.answer === "ok") {
        report.blame("S1", at, `${more[0]} was accepted although ${who} had been logged out before it was sent`);
      }
    }
  }
  for (const [user, at] of ended) {
    for (const tab of story.users.get(user)?.tabs ?? []) {
      const open = tab.connections.at(-1);
      if (open && open[0] < at + endMs && (open[1] ?? story.end) > at + endMs) {
        report.blame("S1", at, `${tab.name} was still connected ${endMs} ms after the logout`);
      }
    }
  }
}

/* ---- Presence ---- */

/* Was a tab of that user connected at some time in (from, to)? */
function wasThere(user, from, to) {
  return user.tabs.some((tab) => tab.connections.some(([a, b = Infinity]) => a < to && b > from));
}
/* Had his session ended by then, and no other begun long before? */
function sessionOver(user, at, slackMs) {
  return user.ends.some((end) => end <= at + slackMs && !user.logins.some((login) => login > end && login < at - slackMs));
}

function judgeLeaves(story, report, { graceMs, slackMs }) {
  for (const tab of story.tabs.values()) {
    for (const [name, seen] of tab.view) {
      const user = story.users.get(name);
      for (const { at, sign } of user ? seen : []) {
        if (sign === "-" && !sessionOver(user, at, slackMs) && wasThere(user, at - graceMs + slackMs, at - slackMs)) {
          report.blame("P2", at, `${tab.name} saw ${name} leave, who had been connected within the grace period`);
        }
      }
    }
  }
}

/* When the last connection of a user went for good; undefined while he is there. */
function goneSince(user) {
  if (user.tabs.length === 0 || user.tabs.some((tab) => connectedAtEnd(tab))) {
    return undefined;
  }
  return Math.max(...user.tabs.map((tab) => tab.connections.at(-1)?.[1] ?? 0));
}

function judgeGhosts(story, report, { ghostMs }) {
  for (const user of story.users.values()) {
    const since = goneSince(user);
    const due = since + ghostMs;
    if (!since || due > story.end) {
      continue;
    }
    for (const tab of story.tabs.values()) {
      const seen = tab.view.get(user.name) ?? [];
      const last = seen.at(-1);
      const watching = tab.connections.some(([a, b = Infinity]) => a < due && b > due);
      if (watching && last && (last.sign === "+" || last.at > due)) {
        report.blame("P1", due, `${tab.name} still had ${user.name} in its list ${Math.round((last.sign === "+" ? story.end : last.at) - since)} ms after the last connection`);
      }
    }
  }
}

function judgeLists(story, report) {
  if (!story.online) {
    return;
  }
  const truth = [...story.online].sort().join(" ");
  for (const tab of story.tabs.values()) {
    if (connectedAtEnd(tab) && tab.roster && [...tab.roster].sort().join(" ") !== truth) {
      const extra = tab.roster.filter((name) => !story.online.includes(name));
      const missing = story.online.filter((name) => !tab.roster.includes(name));
      report.blame("P4", story.end, `${tab.name}: too many: ${extra.slice(0, 5)}; missing: ${missing.slice(0, 5)}`);
    }
  }
}

function judgeLog(story, report) {
  const online = new Map();
  let before;
  for (const [version, changes] of story.log ?? []) {
    if (before !== undefined && version !== before + 1) {
      report.blame("P3", story.end, `presence:log goes from version ${before} to ${version}`);
    }
    before = version;
    for (const change of changes.split(" ")) {
      const name = change.slice(1);
      if (online.get(name) === change[0]) {
        report.blame("P3", story.end, `presence:log, version ${version}: "${change}" twice in a row`);
      }
      online.set(name, change[0]);
    }
  }
}

/* ---- Figures ---- */

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : 0;
}

/* For each tab that noticed a fault: ms from its beginning until the first message was confirmed that
 * was sent after the tab's last trouble. */
function recoveries(story, lines) {
  const begin = story.faults.find((f) => f.what === "begin")?.at ?? Infinity;
  const trouble = new Map(); /* tab -> time of the last */
  const well = new Map();
  const sentAt = new Map();
  for (const [at, kind, tab, key, what, code] of lines) {
    const failed = kind === "disconnect" || kind === "unsent" || (kind === "ack" && what === "error" && !DEFINITE.has(code));
    if (at < begin) {
      continue;
    } else if (failed) {
      trouble.set(tab, at);
      well.delete(tab);
    } else if (kind === "send") {
      sentAt.set(key, at);
    } else if (kind === "ack" && what === "ok" && trouble.has(tab) && !well.has(tab) && sentAt.get(key) > trouble.get(tab)) {
      well.set(tab, at);
    }
  }
  return [...well.values()].map((at) => at - begin);
}

function figuresOf(story, lines) {
  const messages = [...story.messages.values()];
  const latencies = messages.flatMap((m) => m.attempts.filter((a) => a.answer === "ok").map((a) => a.answeredAt - a.at));
  return {
    sent: messages.length,
    acked: messages.filter((m) => m.ids.size).length,
    receipts: messages.reduce((n, m) => n + [...m.got.values()].reduce((k, ids) => k + ids.length, 0), 0),
    resent: messages.reduce((n, m) => n + Math.max(0, m.attempts.length - 1), 0),
    refused: messages.filter((m) => !m.ids.size && DEFINITE.has(m.refused)).length,
    unresolved: messages.filter((m) => !m.ids.size && !DEFINITE.has(m.refused)).length,
    unknown: messages.filter((m) => m.unknown).length,
    told: 0, /* missing at a tab that was told so */
    notRecovered: [...story.tabs.values()].reduce((n, tab) => n + tab.told.length, 0),
    reconnects: [...story.tabs.values()].reduce((n, tab) => n + Math.max(0, tab.connections.length - 1), 0),
    leaves: [...story.tabs.values()].reduce((n, tab) => n + [...tab.view.values()].flat().filter((s) => s.sign === "-").length, 0),
    ackP50: percentile(latencies, 0.5),
    ackP99: percentile(latencies, 0.99),
    recovery: recoveries(story, lines),
  };
}

/* lines: sorted (readDiaries).  Resolves to {violations: [{rule, at, text}], counts, figures}. */
export function check(lines, options = {}) {
  const settings = { ...DEFAULTS, ...options };
  const report = new Report();
  const story = new Story(lines, report);
  for (const message of story.messages.values()) {
    message.unknown = outcomeUnknown(message, story.lost);
  }
  const figures = figuresOf(story, lines);
  for (const message of story.messages.values()) {
    judgeOnce(message, report);
  }
  judgeDelivery(story, report, figures);
  judgeEnds(lines, story, report, settings);
  judgeLeaves(story, report, settings);
  judgeGhosts(story, report, settings);
  judgeLists(story, report);
  judgeLog(story, report);
  return { violations: report.violations, counts: report.counts, figures };
}

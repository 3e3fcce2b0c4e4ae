/* scenarios.mjs - what is measured: each scenario plays one server once, and answers its figures
 *
 *   name, title      what `make bench B=name` calls it; the heading
 *   text             what happens, for the report
 *   peers            who takes part
 *   figures          {name: {title, unit}}: what play() answers, in the order of the table; more: more of it
 *                    is better; plain: not to be compared.  What it answers as "name|part" is told as the
 *                    parts of Parley's "name"
 *   play(bench)      with a server that has just been started; {figure: number}.  bench.load: the load
 *                    generator; bench.another(options): a second one, besides
 *   lists            peers tell who comes and goes (Parley always does)
 *   rounds           at most so many
 *   goals            [{title, of(median), atLeast or atMost}]; median(peer, figure)
 *   plot(played)     another picture than bars of the figures; undefined: none */
import { summaries } from "./figures.mjs";
import { costs, cpuOf } from "./load.mjs";
import { lines } from "./plot.mjs";

const ALL = ["parley", "parley-door", "socketio-redis", "socketio", "ws", "flask", "epoll"];
const WARM_MS = 1000, SPAN_MS = 2000;
const settleMs = (users) => 500 + users / 5; /* until all have heard of everybody, servers too */
const us = (title) => ({ title, unit: "µs" });

/* ---- Messages -------------------------------------------------------------------------------- */

const CROWDS = [[100, 16], [1000, 8], [1000, 1], [5000, 1]];
const crowdName = ([clients, inFlight]) => `${clients}/${inFlight}`;

const groups = {
  name: "group",
  title: "A message to the group",
  text: "CPU of all processes of the server for each delivery, in microseconds: a closed loop with so many clients and so many messages on their way, 50 of them sending in turn, texts of 100 bytes.",
  peers: [...ALL, "epoll-2", "epoll-redis"],
  goals: [
    ...[["100/16", 14], ["1000/8", 10], ["1000/1", 2.3], ["5000/1", 2]].map(([crowd, atLeast]) => ({
      title: `${crowd}: times the CPU of two Socket.IO servers with the Redis adapter`,
      of: (m) => m("socketio-redis", `cpu ${crowd}`) / m("parley", `cpu ${crowd}`), atLeast,
    })),
    ...["epoll", "epoll-2"].flatMap((bare) => ["1000/1", "5000/1"].map((crowd) => ({
      title: `${crowd}: CPU, in that of ${bare === "epoll" ? "bare epoll" : "two bare epoll servers"}`,
      of: (m) => m("parley", `cpu ${crowd}`) / m(bare, `cpu ${crowd}`), atMost: 1.1,
    }))),
  ],
  figures: Object.fromEntries(CROWDS.flatMap((crowd) => [[`cpu ${crowdName(crowd)}`, us(`${crowdName(crowd)}: CPU`)]])
    .concat(CROWDS.map((crowd) => [`rate ${crowdName(crowd)}`, { title: `${crowdName(crowd)}: deliveries`, unit: "1/s", more: true }]))),
  async play({ load, peer }) {
    const figures = {};
    for (const crowd of CROWDS) {
      const [clients, inFlight] = crowd;
      if (peer === "flask" && clients > 1000) {
        continue; /* its memory and its time to connect are another scenario's */
      }
      await load.upTo(clients);
      await load.order("listen", settleMs(clients));
      const got = await load.order("group", inFlight, WARM_MS, SPAN_MS);
      Object.assign(figures, costs(`cpu ${crowdName(crowd)}`, got, got.deliveries));
      figures[`rate ${crowdName(crowd)}`] = got.deliveries / got.seconds;
    }
    return figures;
  },
};

const ON_THE_WAY = [16, 64];

const direct = {
  name: "direct",
  title: "A message to one user",
  text: "Among 1,000 users, to a named one, with an acknowledgement, and an echo to the sender: CPU of all processes for each message that was accepted and delivered (closed loops with so many on their way; open loop, 1,000 a second, 100 for Flask-SocketIO), and its latency in the open loop.",
  peers: [...ALL, "epoll-redis"],
  goals: [
    ...ON_THE_WAY.map((count) => ({
      title: `${count} on their way: times the CPU of two Socket.IO servers with the Redis adapter`,
      of: (m) => m("socketio-redis", `cpu ${count}`) / m("parley", `cpu ${count}`), atLeast: 3,
    })),
    ...ON_THE_WAY.map((count) => ({
      title: `${count} on their way: CPU of Redis for a message, µs`, of: (m) => m("parley", `cpu ${count}|redis`), atMost: 25,
    })),
    ...["p50", "p99"].map((of) => ({ title: `latency ${of}, in theirs`, of: (m) => m("parley", of) / m("socketio-redis", of), atMost: 0.5 })),
  ],
  figures: {
    ...Object.fromEntries(ON_THE_WAY.flatMap((count) => [[`cpu ${count}`, us(`CPU, ${count} on their way`)], [`cpu ${count}|redis`, us("of it Redis")]])),
    paced: us("CPU, open loop"), "paced|redis": us("of it Redis"),
    p50: us("latency p50"), p99: us("latency p99"), ack: us("until the ack, p50"),
  },
  async play({ load, peer }) {
    await load.upTo(1000);
    await load.order("listen", settleMs(1000));
    const closed = {};
    for (const count of ON_THE_WAY) {
      const got = await load.order("direct", count, WARM_MS, SPAN_MS);
      Object.assign(closed, costs(`cpu ${count}`, got, got.messages));
    }
    const open = await load.order("direct_paced", peer === "flask" ? 100 : 1000, WARM_MS, SPAN_MS);
    return {
      ...closed, ...costs("paced", open, open.messages),
      p50: open.delivered.p50_us, p99: open.delivered.p99_us, ack: open.accepted.p50_us,
    };
  },
};

/* ---- People ---------------------------------------------------------------------------------- */

const AT_ONCE = 64;

const connecting = {
  name: "connect",
  title: "Connecting",
  text: "1,000 users, and then 4,000 more (none at Flask-SocketIO), 64 at once: the WebSocket and whatever is said until the user is online. Parley's users have logged in before, which is counted apart, and get the list of users; the others get none. JavaScript gets quicker on the way, so look at the 4,000. What the handshake and CONNECT are of Parley's, its Socket.IO part tells, which does for each what one Socket.IO server does: no more.",
  peers: [...ALL, "parley-sio"],
  goals: [["handshake and CONNECT alone", "parley-sio"], ["session, presence and list, too", "parley"]].flatMap(([what, own]) => [1000, 5000].map((users) => ({
    title: `${what}, to ${users.toLocaleString("en")}: times the CPU of one Socket.IO server`,
    of: (m) => m("socketio", `cpu ${users}`) / m(own, `cpu ${users}`), atLeast: 6,
  }))),
  figures: {
    "cpu 1000": us("to 1,000: CPU each"), "cpu 5000": us("to 5,000: CPU each"), rate: { title: "connections", unit: "1/s", more: true },
    p99: us("p99"), login: us("logging in, CPU each"),
  },
  async play({ load, server, peer }) {
    const figures = {};
    for (const users of peer === "flask" ? [1000] : [1000, 5000]) {
      const login = await load.order("login", users - load.online, AT_ONCE);
      const got = await load.order("connect", users - load.online, AT_ONCE);
      Object.assign(figures, costs(`cpu ${users}`, got, got.done), { rate: got.done / got.seconds, p99: got.p99_us });
      if (server.auth) {
        Object.assign(figures, costs("login", login, login.done));
      }
    }
    return figures;
  },
};

const entering = {
  name: "enter",
  title: "From logging in to the full list",
  text: "1,000 users come, 64 at once: login, connection, the full list of users, and everybody is told of everybody who comes after him.",
  lists: true,
  peers: ALL.filter((name) => name !== "flask"),
  goals: [{ title: "times the CPU of one Socket.IO server", of: (m) => m("socketio", "cpu") / m("parley", "cpu"), atLeast: 3 }],
  figures: { cpu: us("CPU each"), rate: { title: "users", unit: "1/s", more: true }, p50: us("p50"), p99: us("p99") },
  async play({ load }) {
    const got = await load.order("enter", 1000, AT_ONCE);
    return { ...costs("cpu", got, got.done), rate: got.done / got.seconds, p50: got.p50_us, p99: got.p99_us };
  },
};

const returning = {
  name: "reconnect",
  title: "Everybody comes back at once",
  text: "5,000 users lose their connections in the same moment and come back, 512 at once.",
  peers: ["parley", "parley-door", "socketio-redis", "socketio", "ws", "epoll"],
  figures: { cpu: us("CPU each"), all: { title: "until all are back", unit: "s" }, p99: us("p99") },
  async play({ load }) {
    await load.upTo(5000);
    const got = await load.order("reconnect", 512);
    return { ...costs("cpu", got, got.done), all: got.seconds, p99: got.p99_us };
  },
};

/* 19,000 connect while 200 chat: the two have a load generator each. */
const STORM = 19_000, CHAT = [2, 0, 4000]; /* messages a second, ms to warm up, ms */
const storm = {
  name: "storm",
  title: "19,000 connect while the group chats",
  text: "200 users, two messages to the group a second (open loop), while 19,000 others connect, 64 at once: latency of the messages at the 200, before, meanwhile (the worst of the stretches of 4 s) and after, when each message goes to 19,200.",
  peers: ["parley", "socketio-redis", "socketio"],
  rounds: 2,
  goals: [{ title: "p99 meanwhile, in that of after", of: (m) => m("parley", "during p99") / m("parley", "after p99"), atMost: 3 }],
  figures: {
    "before p99": us("before: p99"), "during p99": us("meanwhile: p99"), "after p99": us("after: p99"),
    "during p50": us("meanwhile: p50"), "after p50": us("after: p50"), rate: { title: "connections", unit: "1/s", more: true },
  },
  async play({ load, another }) {
    const others = another({ prefix: "v" });
    await load.upTo(200);
    await others.order("login", STORM, AT_ONCE);
    const before = await load.order("group_paced", ...CHAT);
    let rate;
    const arrival = others.order("connect", STORM, AT_ONCE).then((got) => {
      rate = got.done / got.seconds;
    });
    arrival.catch(() => {}); /* awaited below */
    const during = [];
    do {
      during.push(await load.order("group_paced", ...CHAT));
    } while (rate === undefined && during.length < 30);
    await arrival;
    await load.order("listen", settleMs(STORM));
    const after = await load.order("group_paced", ...CHAT);
    const worst = during.reduce((a, b) => (a.delivered.p99_us > b.delivered.p99_us ? a : b));
    return {
      "before p99": before.delivered.p99_us, "during p99": worst.delivered.p99_us, "after p99": after.delivered.p99_us,
      "during p50": worst.delivered.p50_us, "after p50": after.delivered.p50_us, rate,
    };
  },
};

/* More come and go than others could tell everybody of: there are fewer of everything there. */
const churning = {
  name: "churn",
  title: "Users who come and go",
  text: "5,000 users are told of 1,000 changes a second, of which half are users who log in and connect, and half ones who close their connection and log out. At the others 500 users, and 20 changes a second. After that, at Parley, 20 changes a second, which is a bundle every 100 ms: CPU for each bundle and user.",
  lists: true,
  rounds: 2,
  peers: ["parley", "socketio-redis", "socketio", "ws", "epoll"],
  figures: { cpu: us("CPU for each change and user who is told"), bundle: us("CPU for each bundle and user"), cores: { title: "CPU of the whole", unit: "cores", plain: true }, p99: us("until one who comes has the list, p99") },
  async play({ load, peer }) {
    const [users, rate] = peer === "parley" ? [5000, 1000] : [500, 20];
    await load.upTo(users);
    await load.order("listen", settleMs(users));
    const got = await load.order("churn", rate, 5000);
    const calm = peer === "parley" ? await load.order("churn", 20, 4000) : undefined;
    return { ...(calm && costs("bundle", calm, calm.seconds * 10 * users)), ...costs("cpu", got, (got.done + got.gone) * users), cores: cpuOf(got) / got.seconds / 1e6, p99: got.p99_us };
  },
};

/* ---- Being there ----------------------------------------------------------------------------- */

const holders = (memory) => Object.entries(memory).filter(([name]) => /^(gateway|server)-/.test(name)).map(([, { rss }]) => rss);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const HEARTBEAT_MS = 26_000; /* a little more than everybody's PING_INTERVAL_MS */
const bytes = (title) => ({ title, unit: "B" });

const idle = {
  name: "idle",
  title: "Users who say nothing",
  text: "Resident memory of the processes that hold the connections, above what they had before anybody came, for each user (each of Parley's gateways knows the names of all); and the CPU of all processes while 19,000 users do nothing but answer pings, every 25 s.",
  peers: ["parley", "parley-1", "socketio-redis", "socketio", "ws", "flask", "epoll"],
  rounds: 2,
  goals: [
    ...[5000, 19000].map((users) => ({ title: `bytes for each of ${users.toLocaleString("en")} users of one gateway`, of: (m) => m("parley-1", `rss ${users}`), atMost: 2048 })),
    { title: "base of a gateway, MB", of: (m) => m("parley", "base"), atMost: 8 },
    ...[5000, 19000].map((users) => ({ title: `bytes in Redis for each of ${users.toLocaleString("en")} users`, of: (m) => m("parley", `redis ${users}`), atMost: 650 })),
    { title: "19,000 idle users, % of a core", of: (m) => m("parley", "cpu"), atMost: 2 },
  ],
  figures: {
    base: { title: "empty, the largest process", unit: "MB" }, "rss 1000": bytes("each of 1,000"), "rss 5000": bytes("each of 5,000"), "rss 19000": bytes("each of 19,000"),
    "redis 5000": bytes("in Redis, each of 5,000"), "redis 19000": bytes("in Redis, each of 19,000"), cpu: { title: "19,000 idle", unit: "% of a core" },
  },
  async play({ load, server, peer }) {
    const before = holders((await load.order("memory")).memory);
    const store = await server.redisMemory?.();
    const figures = { base: Math.max(...before) / 2 ** 20 };
    for (const users of peer === "flask" ? [1000] : [5000, 19000]) {
      await load.upTo(users);
      await load.order("listen", settleMs(users));
      figures[`rss ${users}`] = (sum(holders((await load.order("memory")).memory)) - sum(before)) / users;
      if (store !== undefined) {
        figures[`redis ${users}`] = (await server.redisMemory() - store) / users;
      }
    }
    if (!["ws", "flask", "epoll"].includes(peer)) {
      const got = await load.order("listen", HEARTBEAT_MS);
      Object.assign(figures, costs("cpu", got, got.seconds * 1e4));
    }
    return figures;
  },
};

/* ---- Long-polling ---------------------------------------------------------------------------- */

const polling = {
  name: "polling",
  title: "Long-polling",
  text: "1,000 users (200 at Flask-SocketIO) connect by long-polling, and get 10 messages to the group a second, which two users on WebSockets send.",
  peers: ["parley", "parley-door", "socketio-redis", "socketio", "flask"],
  figures: { cpu: us("CPU for each delivery"), connect: us("connecting, CPU each"), rate: { title: "connections", unit: "1/s", more: true } },
  async play({ peer, another }) {
    const pollers = another({ prefix: "p", polling: true }), senders = another({ prefix: "w" });
    const users = peer === "flask" ? 200 : 1000;
    await pollers.order("login", users, AT_ONCE);
    const connect = await pollers.order("connect", users, AT_ONCE);
    await senders.upTo(2);
    const sending = senders.order("group_paced", 10, 0, WARM_MS + SPAN_MS + 1000);
    sending.catch(() => {}); /* awaited below */
    await pollers.order("listen", WARM_MS);
    const got = await pollers.order("listen", SPAN_MS);
    await sending;
    if (got.deliveries < users) {
      throw new Error(`${got.deliveries} deliveries to ${users} users who poll`);
    }
    return { ...costs("cpu", got, got.deliveries), ...costs("connect", connect, connect.done), rate: connect.done / connect.seconds };
  },
};

/* ---- Growth ---------------------------------------------------------------------------------- */

const FLEETS = ["parley-1", "parley", "parley-3"];
const points = (figures) => Object.entries(figures).map(([x, value]) => [Number(x), value]);

/* Curves of the medians. */
function curves(title, played, names, ticks) {
  const measured = summaries(played);
  const series = Object.entries(measured).map(([peer, of]) => ({
    label: { "parley-1": "1 gateway", parley: "2 gateways", "parley-3": "3 gateways" }[peer],
    points: points(of).map(([x, { median }]) => [x, median]),
  })).filter((one) => one.points.length);
  return series.length ? lines(title, series, { names, ticks }) : undefined;
}

function growth(name, title, text, xs, measure, axis) {
  return {
    name, title, text, rounds: 1, peers: FLEETS,
    figures: Object.fromEntries(xs.map((x) => [String(x), { title: `${x.toLocaleString("en")} ${axis}`, unit: "µs" }])),
    plot: (played) => curves(title, played, { x: axis, y: "CPU for each delivery, µs" }, { x: xs, y: [0.5, 1, 2, 5, 10, 20] }),
    async play({ load }) {
      const figures = {};
      for (const x of xs) {
        const got = await measure(load, x);
        figures[x] = cpuOf(got) / got.deliveries;
      }
      return figures;
    },
  };
}

const moreUsers = growth("users", "More users", "A message to the group, 8 on their way: CPU of all processes for each delivery.",
  [100, 300, 1000, 3000, 10000, 19000], async (load, users) => {
    await load.upTo(users);
    await load.order("listen", settleMs(users));
    return load.order("group", 8, WARM_MS, SPAN_MS);
  }, "users");
const moreMessages = growth("flight", "More messages at once", "A message to the group of 1,000 users: CPU of all processes for each delivery.",
  [1, 2, 4, 8, 16, 32, 64], async (load, inFlight) => {
    if (load.online < 1000) {
      await load.upTo(1000);
      await load.order("listen", settleMs(1000));
    }
    return load.order("group", inFlight, WARM_MS / 2, SPAN_MS / 2);
  }, "messages on their way");

export const scenarios = [groups, direct, connecting, entering, idle, storm, returning, polling, churning, moreUsers, moreMessages];

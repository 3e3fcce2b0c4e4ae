/* scenarios.mjs - what is measured: each scenario plays one server once, and answers its figures
 *
 *   name, title      what `make bench B=name` calls it; the heading
 *   text             what happens, for the report
 *   peers            who takes part
 *   figures          {name: {title, unit}}: what play() answers, in the order of the table
 *   play(bench)      with a server that has just been started; {figure: number}.  bench.load: the load
 *                    generator; bench.another(options): a second one, besides
 *   lists            peers tell who comes and goes (Parley always does)
 *   large            not for Flask-SocketIO */
import { cpuOf } from "./load.mjs";

const WARM_MS = 1000, SPAN_MS = 2000;
const us = (title) => ({ title, unit: "µs" });

/* ---- Messages -------------------------------------------------------------------------------- */

const CROWDS = [[100, 16], [1000, 8], [1000, 1], [5000, 1]];
const crowdName = ([clients, inFlight]) => `${clients}/${inFlight}`;

const groups = {
  name: "group",
  title: "A message to the group",
  text: "CPU of all processes of the server for each delivery, in microseconds: a closed loop with so many clients and so many messages on their way, 50 of them sending in turn, texts of 100 bytes.",
  peers: ["parley", "parley-door", "socketio-redis", "socketio", "ws", "flask", "epoll"],
  goals: [
    ...[["100/16", 14], ["1000/8", 10], ["1000/1", 2.3], ["5000/1", 2]].map(([crowd, atLeast]) => ({
      title: `${crowd}: times the CPU of two Socket.IO servers with the Redis adapter`,
      of: (m) => m("socketio-redis", `cpu ${crowd}`) / m("parley", `cpu ${crowd}`), atLeast,
    })),
    ...["1000/1", "5000/1"].map((crowd) => ({
      title: `${crowd}: CPU, in that of bare epoll`, of: (m) => m("parley", `cpu ${crowd}`) / m("epoll", `cpu ${crowd}`), atMost: 1.1,
    })),
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
      const got = await load.order("group", inFlight, WARM_MS, SPAN_MS);
      figures[`cpu ${crowdName(crowd)}`] = cpuOf(got) / got.deliveries;
      figures[`rate ${crowdName(crowd)}`] = got.deliveries / got.seconds;
    }
    return figures;
  },
};

const direct = {
  name: "direct",
  title: "A message to one user",
  text: "Among 1,000 users, to a named one, with an acknowledgement, and an echo to the sender: CPU of all processes for each message that was accepted and delivered (closed loop, 16 on their way; open loop, 1,000 a second, 100 for Flask-SocketIO), and its latency in the open loop.",
  peers: ["parley", "parley-door", "socketio-redis", "socketio", "ws", "flask", "epoll"],
  goals: [
    { title: "times the CPU of two Socket.IO servers with the Redis adapter", of: (m) => m("socketio-redis", "cpu") / m("parley", "cpu"), atLeast: 3 },
    { title: "CPU of Redis for a message, µs", of: (m) => m("parley", "redis"), atMost: 25 },
  ],
  figures: {
    cpu: us("CPU, closed loop"), redis: us("of it Redis"), paced: us("CPU, open loop"), "paced redis": us("of it Redis"),
    p50: us("latency p50"), p99: us("latency p99"), ack: us("until the ack, p50"),
  },
  async play({ load, server, peer }) {
    await load.upTo(1000);
    const closed = await load.order("direct", 16, WARM_MS, SPAN_MS);
    const open = await load.order("direct_paced", peer === "flask" ? 100 : 1000, WARM_MS, SPAN_MS);
    const redis = "redis" in server.pids;
    return {
      cpu: cpuOf(closed) / closed.messages, paced: cpuOf(open) / open.messages,
      ...(redis && { redis: cpuOf(closed, "redis") / closed.messages, "paced redis": cpuOf(open, "redis") / open.messages }),
      p50: open.delivered.p50_us, p99: open.delivered.p99_us, ack: open.accepted.p50_us,
    };
  },
};

export const scenarios = [groups, direct];

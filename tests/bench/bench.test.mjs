/* bench.test.mjs - the benchmark counts right: deliveries, latencies, CPU, memory, and what the report says
 *
 * Never how fast anything is: of times only that they cannot be shorter than they are. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { after, describe, test } from "node:test";
import { WebSocketServer } from "ws";
import { until } from "../support/wait.mjs";
import { judge, ratio, show, showSummary, summary } from "./figures.mjs";
import { costs, cpuOf, faultOf, Load } from "./load.mjs";
import { peersOf } from "./peers.mjs";
import { bars, lines } from "./plot.mjs";
import { report } from "./report.mjs";
import { scenarios } from "./scenarios.mjs";

const BIN = resolve(process.env.PARLEY_BIN ?? "build/asan");
const USERS = 10;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/* ---- A server of the dialect `plain` whose deeds are known ---- */

/* deliver(send, user, n, socket, users): sends that user's copy of the n-th message; answer(n): the ack's `ok`;
 * greet(): before a login is answered. */
async function server({ deliver = (send) => send(), answer = () => true, greet = () => {} } = {}) {
  const users = new Map();
  const seen = []; /* messages, in order */
  const hub = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((ready) => hub.once("listening", ready));
  hub.on("connection", (socket) => socket.on("message", (data) => {
    const { login, message_out: message, ack } = JSON.parse(data);
    if (login !== undefined) {
      greet();
      users.set(login, socket);
      socket.name = login;
      socket.send(JSON.stringify({ online: true }));
      return;
    }
    const n = seen.push({ sender: socket.name, ...message });
    const copy = JSON.stringify({ message_in: message });
    const to = message.receiver === "group" ? [...users.keys()] : [message.receiver, socket.name];
    const ok = answer(n);
    if (ack !== undefined) {
      socket.send(JSON.stringify({ ack, ok }));
    }
    if (ok) {
      to.forEach((name) => deliver((socket = users.get(name)) => socket.send(copy), name, n, users.get(name), users));
    }
  }));
  const load = new Load(BIN, {
    dialect: "plain", gateways: [`127.0.0.1:${hub.address().port}`], pids: { "server-1": process.pid },
  });
  await load.upTo(USERS);
  const end = async () => {
    await load.end();
    hub.close();
    users.forEach((socket) => socket.terminate());
  };
  return { load, seen, users, end };
}

async function withServer(behaviour, run) {
  const one = await server(behaviour);
  try {
    await run(one);
  } finally {
    await one.end();
  }
}

/* The figures although something went wrong. */
async function inspite(order) {
  const err = await order.then(() => assert.fail("something was wrong"), (e) => e);
  return JSON.parse(err.message.slice(err.message.indexOf("\n") + 1));
}

describe("deliveries", { concurrency: true }, () => {
  test("an honest server: each message at each user, once", () => withServer({}, async ({ load, seen, users }) => {
    const closed = await load.order("group", 4, 0, 300);
    assert.equal(closed.delivered.count, closed.sent * USERS);
    assert.ok(closed.sent >= 4 && closed.deliveries <= closed.delivered.count);
    const all = seen.length;
    const direct = await load.order("direct", 4, 0, 300);
    assert.equal(direct.sent, seen.length - all);
    assert.equal(direct.delivered.count, direct.sent);
    assert.equal(direct.accepted.count, direct.sent);
    assert.ok(seen.slice(all).every(({ sender, receiver }) => sender !== receiver && users.has(receiver)));
    assert.ok(new Set(seen.slice(all).map(({ sender }) => sender)).size > 1);
  }));

  test("one that is lost is missing", () => withServer({
    deliver: (send, name, n) => n === 1 && name.endsWith("7") || send(),
  }, async ({ load }) => {
    const got = await inspite(load.order("group", 4, 0, 200));
    assert.deepEqual([got.missing, got.surplus, got.errors], [1, 0, 0]);
    assert.equal(got.delivered.count, got.sent * USERS - 1);
  }));

  test("one that comes twice is too much", () => {
    let again; /* ahead of the next one on the same connection: so it comes before the order can be done */
    return withServer({
      deliver: (send, name, n) => {
        if (name.endsWith("7")) {
          again?.();
          again = n === 1 ? send : undefined;
        }
        send();
      },
    }, async ({ load }) => {
      const got = await inspite(load.order("group", 2, 0, 200));
      assert.deepEqual([got.missing, got.surplus, got.errors], [0, 1, 0]);
    });
  });

  test("one that goes to the wrong user is astray", () => withServer({
    deliver: (send, name, n, socket, users) => send(n === 1 && name.endsWith("7") ? users.values().next().value : socket),
  }, async ({ load }) => {
    const got = await inspite(load.order("group", 1, 0, 200));
    assert.deepEqual([got.missing, got.surplus, got.astray, got.errors], [0, 0, 1, 0]);
  }));

  test("what is refused is an error, and not awaited", () => withServer({ answer: (n) => n !== 1 }, async ({ load }) => {
    const got = await inspite(load.order("direct", 2, 0, 200));
    assert.deepEqual([got.missing, got.surplus, got.errors], [0, 0, 1]);
    assert.equal(got.accepted.count, got.sent - 1);
  }));

  test("a user who is cut off is not online, and misses what comes", () => withServer({
    deliver: (send, name, n, socket) => (n === 1 && name.endsWith("7") ? socket.terminate() : send()),
  }, async ({ load }) => {
    const got = await inspite(load.order("group", 1, 0, 200));
    assert.equal(got.online, USERS - 1);
    assert.equal(got.missing, 1);
  }));

  test("those who are gone are not online", () => withServer({}, async ({ load, users }) => {
    users.forEach((socket) => socket.terminate());
    await until("all are offline", async () => (await load.order("listen", 10)).online === 0);
  }));
});

describe("latencies", { concurrency: true }, () => {
  const DELAY_MS = 40, EARLY_US = 1000; /* by which node's timers may be early */

  test("a delay of the delivery shows there, and not at the ack", () => withServer({
    deliver: (send) => setTimeout(send, DELAY_MS),
  }, async ({ load }) => {
    const got = await load.order("direct", 2, 0, 500);
    assert.ok(got.delivered.p50_us >= DELAY_MS * 1000 - EARLY_US, JSON.stringify(got));
    assert.ok(got.accepted.p50_us < got.delivered.p50_us, JSON.stringify(got));
    assert.ok(got.delivered.max_us >= got.delivered.p99_us && got.delivered.p99_us >= got.delivered.p90_us);
  }));

  test("messages that leave late because the generator stood still count from when they were due", () => withServer({
  }, async ({ load, seen }) => {
    const RATE = 100, SPAN_MS = 2000, STOP_MS = 600;
    const order = load.order("direct_paced", RATE, 0, SPAN_MS);
    await until("some have left", () => seen.length >= 10);
    process.kill(load.pid, "SIGSTOP");
    await pause(STOP_MS);
    process.kill(load.pid, "SIGCONT");
    const got = await order;
    assert.ok(Math.abs(got.sent - (RATE * SPAN_MS) / 1000) <= 1, `none is left out: ${got.sent}`);
    assert.equal(got.delivered.count, got.sent);
    /* 60 of the 200 were due meanwhile; the 20 that waited longest, 400 ms and more. */
    assert.ok(got.delivered.p90_us >= 350_000, JSON.stringify(got.delivered));
  }));
});

describe("processes", () => {
  test("the CPU that a server uses is what it says itself", () => {
    const BURN_US = 50_000, MORE = 5;
    const used = (since) => Object.values(process.cpuUsage(since)).reduce((a, b) => a + b, 0);
    let burns = false;
    return withServer({
      greet() {
        for (const begin = process.cpuUsage(); burns && used(begin) < BURN_US;);
      },
    }, async ({ load }) => {
      await load.order("login", MORE, MORE);
      burns = true;
      const before = process.cpuUsage();
      const got = await load.order("connect", MORE, MORE);
      const own = used(before);
      assert.ok(cpuOf(got) >= 0.95 * MORE * BURN_US, `${cpuOf(got)} µs`);
      assert.ok(cpuOf(got) <= 1.05 * own, `${cpuOf(got)} of ${own} µs`);
    });
  });

  test("memory is resident memory", () => withServer({}, async ({ load }) => {
    const { memory } = await load.order("memory");
    const { rss } = process.memoryUsage();
    assert.ok(memory["server-1"].rss > 0.7 * rss && memory["server-1"].rss < 1.3 * rss, `${JSON.stringify(memory)}, ${rss}`);
  }));

  test("the generator tells what can be ordered, to who asks for it", () => {
    const ask = (...args) => spawnSync(join(BIN, "tests/bench/load/load"), args, { encoding: "utf8" });
    const { status, stdout, stderr } = ask("--help");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^usage: load [^]*\n  churn RATE MS /);
    const wrong = ask("--halp");
    assert.deepEqual([wrong.status, wrong.stdout], [2, ""]);
    assert.ok(wrong.stderr.endsWith(stdout));
  });

  test("wrong orders are refused, and the next one is not", () => withServer({}, async ({ load }) => {
    for (const words of [
      ["fly"], ["login"], ["login", "x", 1], ["login", 1, 1, 1], ["login", -1, 1], ["login", 20000, 1],
      ["login", 1, 0], ["connect", 5, 1],
    ]) {
      await assert.rejects(load.order(...words), /such order|too many|not logged in/, words.join(" "));
    }
    assert.equal((await load.order("listen", 1)).online, USERS);
  }));
});

/* ---- Real servers: as a scenario does, and small ---- */

for (const peer of ["epoll", "parley"]) {
  describe(peer, () => {
    const loads = [];
    let running;
    after(async () => {
      await Promise.all(loads.map((load) => load.end()));
      await running?.stop();
    });
    const another = (options) => loads[loads.push(new Load(BIN, running, options)) - 1];

    test("everything that scenarios order", async () => {
      running = await peersOf(BIN)[peer].start({ lists: true });
      const load = another({});
      const entered = await load.order("enter", 12, 4);
      assert.deepEqual([entered.done, entered.online], [12, 12]);
      await load.upTo(20);
      for (const order of [
        ["group", 4, 0, 200], ["group_paced", 20, 0, 200], ["direct", 4, 0, 200], ["direct_paced", 50, 0, 200],
      ]) {
        const got = await load.order(...order);
        assert.equal(got.delivered.count, got.sent * (order[0].startsWith("group") ? 20 : 1), order.join(" "));
        assert.ok(got.sent > 0 && cpuOf(got) > 0, order.join(" "));
      }
      assert.equal((await load.order("reconnect", 8)).online, 20);
      assert.equal((await load.order("drop")).online, 0);
      assert.equal((await load.order("reconnect", 8)).online, 20);
      const churn = await load.order("churn", 40, 1000);
      assert.ok(churn.done > 0 && churn.gone > 0, JSON.stringify(churn));
      assert.equal(churn.online, 20 + churn.done - churn.gone);
    });

    peer === "parley" && test("a second generator: long-polling", async () => {
      const pollers = another({ prefix: "p", polling: true });
      await pollers.upTo(5);
      const sending = loads[0].order("group_paced", 20, 0, 2000);
      const got = await pollers.order("listen", 1000);
      const { sent } = await sending;
      assert.ok(got.deliveries > 0 && got.deliveries <= sent * 5, JSON.stringify(got));
    });
  });
}

async function withPeer(peer, play) {
  const running = await peersOf(BIN)[peer].start({});
  const load = new Load(BIN, running, {});
  try {
    await load.upTo(20);
    await play(load);
  } finally {
    await load.end();
    await running.stop();
  }
}

test("two bare servers hand each other what is said to all", () => withPeer("epoll-2", async (load) => {
  const got = await load.order("group", 4, 0, 200);
  assert.ok(got.sent > 0 && cpuOf(got, "server-1") > 0 && cpuOf(got, "server-2") > 0, JSON.stringify(got));
  assert.equal(got.delivered.count, got.sent * 20);
}));

test("two bare servers over Redis: to all, to one, and an acknowledgement", () => withPeer("epoll-redis", async (load) => {
  for (const [kind, heard] of [["group", 20], ["direct", 1]]) {
    const got = await load.order(kind, 4, 0, 200);
    assert.ok(got.sent > 0 && cpuOf(got, "server-1") > 0 && cpuOf(got, "server-2") > 0 && cpuOf(got, "redis") > 0, JSON.stringify(got));
    assert.equal(got.delivered.count, got.sent * heard, kind);
  }
}));

test("the Socket.IO part alone: everybody connects, and comes back", () => withPeer("parley-sio", async (load) => {
  const got = await load.order("reconnect", 8);
  assert.ok(got.done === 20 && got.online === 20 && cpuOf(got, "server-1") > 0, JSON.stringify(got));
}));

/* ---- What is said of it ---- */

describe("the report", () => {
  test("medians, ratios and numbers", () => {
    assert.deepEqual(summary([3, 1, 2]), { median: 2, min: 1, max: 3, count: 3 });
    assert.deepEqual(summary([4, 1, NaN, 2, 3]), { median: 2.5, min: 1, max: 4, count: 4 });
    assert.equal(summary([]), undefined);
    assert.equal(ratio(summary([2]), summary([28])), 14);
    assert.equal(ratio(summary([28]), summary([2]), { more: true }), 14);
    assert.deepEqual([0, 0.01234, 1.239, 12.39, 123.9, 1234.5, 1234567.8].map(show),
      ["0", "0.0123", "1.24", "12.4", "124", "1,235", "1,234,568"]);
    assert.equal(showSummary(summary([1, 3, 2])), "2.00 (1.00 to 3.00)");
    assert.equal(showSummary(summary([5])), "5.00");
    assert.deepEqual(costs("cpu", { cpu_us: { "gateway-1": 4, "gateway-2": 6, redis: 10 } }, 2),
      { cpu: 10, "cpu|gateway": 5, "cpu|redis": 5 });
    assert.equal(cpuOf({ cpu_us: { "gateway-1": 4, redis: 10 } }, "redis"), 10);
  });

  test("any sign of trouble is a fault", () => {
    const good = { cpu_us: {}, failed: 0, missing: 0, surplus: 0, errors: 0, overloaded: false };
    assert.equal(faultOf(good), undefined);
    for (const wrong of [
      { failed: 1 }, { missing: 1 }, { surplus: 1 }, { astray: 1 }, { errors: 1 }, { overloaded: true },
      { cpu_us: null }, { error: "no" },
    ]) {
      assert.ok(faultOf({ ...good, ...wrong }), JSON.stringify(wrong));
    }
  });

  test("a goal is judged by medians, and not at all without", () => {
    const measured = { parley: { cpu: summary([1, 2, 9]) }, other: { cpu: summary([28]) } };
    const of = (m) => m("other", "cpu") / m("parley", "cpu");
    assert.deepEqual(judge({ of, atLeast: 14 }, measured), { value: 14, reached: true });
    assert.deepEqual(judge({ of, atLeast: 14.1 }, measured), { value: 14, reached: false });
    assert.deepEqual(judge({ of, atMost: 13 }, measured), { value: 14, reached: false });
    assert.equal(judge({ of, atLeast: 1 }, { parley: measured.parley }), undefined);
    assert.deepEqual(judge({ of, atLeast: 8 }, { ...measured, bare: { cpu: summary([4]) } }, "bare"), { value: 7, reached: false });
  });

  const scenario = {
    name: "known", title: "Known", text: "As it is.",
    figures: { cpu: { title: "CPU", unit: "µs" }, rate: { title: "rate", unit: "1/s", more: true } },
    goals: [{ title: "a goal", of: (m) => m("other", "cpu") / m("parley", "cpu"), atLeast: 14 }],
  };
  const peers = { parley: { title: "Parley" }, other: { title: "Other & <Co>" }, "epoll-redis": { title: "Bare" } };
  const played = {
    parley: {
      rounds: [
        { cpu: 2, rate: 30, "cpu|redis": 0.5, "cpu|gateway": 1.5 },
        { cpu: 4, rate: 10, "cpu|redis": 1, "cpu|gateway": 3 },
      ],
      trouble: [],
    },
    other: { rounds: [{ cpu: 30, rate: 10 }], trouble: ["direct 1: missing: 7\n{}"] },
    "epoll-redis": { rounds: [{ cpu: 1.5, rate: 10 }], trouble: [] },
  };

  test("says what was measured, and what went wrong", () => {
    const files = report([{ scenario, played }], { peers, machine: "A machine.", profiles: "## Where it goes\n" });
    const text = files["RESULTS.md"];
    for (const line of [
      "As it is. (2 rounds.)",
      "| Parley | 3.00 (2.00 to 4.00) | 20.0 (10.0 to 30.0) |",
      "| Other & <Co> | 30.0, **10.0×** | 10.0, **2.00×** |",
      "| Known | a goal | at least 14.0 | 10.0 | **no** | 20.0, yes |",
      "- CPU: redis 0.750, gateway 2.25 µs",
      "- Other & <Co>: direct 1: missing: 7",
      "![Known](plots/known.svg)",
      "## Where it goes",
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line}\n\nnot in\n\n${text}`);
    }
    assert.deepEqual(Object.keys(files), ["plots/known.svg", "RESULTS.md"]);
  });

  test("pictures are well-formed and in proportion", () => {
    const files = report([{ scenario, played }], { peers, machine: "", profiles: "" });
    const svg = files["plots/known.svg"];
    const widths = [...svg.matchAll(/<rect [^>]*width="([0-9.]+)"/g)].map(([, w]) => Number(w));
    assert.equal(widths.length, 6);
    assert.ok(Math.abs(widths[1] / widths[0] - 10) < 0.1, `${widths}`);
    assert.ok(svg.includes("Other &#38; &#60;Co&#62;"));
    const curve = lines("L", [{ label: "a", points: [[1, 1], [10, 10], [100, 100]] }],
      { ticks: { x: [1, 100], y: [1, 100] }, names: { x: "x", y: "y" } });
    const [first, middle, end] = /points="([^"]+)"/.exec(curve)[1].split(" ").map((p) => p.split(",").map(Number));
    const half = (axis) => (first[axis] + end[axis]) / 2;
    assert.ok([0, 1].every((axis) => Math.abs(middle[axis] - half(axis)) < 0.2), "logarithmic");
    for (const picture of [svg, curve, bars("", [])]) {
      assert.match(picture, /^<svg [^>]*>[\s\S]*<\/svg>\n$/);
      assert.doesNotMatch(picture, /NaN|Infinity|undefined/);
    }
  });

  test("scenarios name servers and figures that exist", () => {
    const known = Object.keys(peersOf(BIN));
    assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
    for (const { name, peers: of, figures, goals = [] } of scenarios) {
      assert.deepEqual(of.filter((peer) => !known.includes(peer)), [], name);
      for (const { of: value } of goals) {
        value((peer, figure) => {
          assert.ok(of.includes(peer) && figures[figure.split("|")[0]], `${name}: ${peer}, ${figure}`);
          return 1;
        });
      }
    }
  });
});

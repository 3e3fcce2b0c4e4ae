/* crowds.mjs - many at once, and sessions that end (rows 69 to 77) */
import assert from "node:assert/strict";
import { connect, login, logout, user } from "../../support/client.mjs";
import { until } from "../../support/wait.mjs";
import { percentile } from "../checker.mjs";
import { pause } from "../stage.mjs";


async function changesOf(stage, name) {
  const entries = await stage.stack.redisJson("XRANGE", "{chat}:presence:log", "-", "+");
  return entries.flatMap(([, [, changes]]) => changes.split(" ")).filter((change) => change.slice(1) === name);
}

export const crowds = [
  {
    row: 69, title: "login storm: 2,000 logins, 1,000 a second, of many names and of one", env: { RATE_LOGINS: "300:600" }, expect: { reconnects: 0 },
    async inject(stage) {
      const statuses = {};
      const times = [];
      await stage.fault("storm", async () => {
        const all = [];
        const start = performance.now();
        for (let i = 0; i < 2000; i++) {
          const began = performance.now();
          all.push(login(stage.stack.door, i % 2 ? `storm${i}` : "same").then((res) => {
            statuses[res.status] = (statuses[res.status] ?? 0) + 1;
            times.push(performance.now() - began);
          }));
          if (i % 20 === 19) {
            await pause(Math.max(0, start + i - performance.now()));
          }
        }
        await Promise.all(all);
      });
      assert.ok(statuses[429] > 0, `some were too many: ${JSON.stringify(statuses)}`);
      assert.deepEqual(Object.keys(statuses).filter((status) => !["200", "409", "429"].includes(status)), []);
      return `${Object.entries(statuses).map(([status, count]) => `${count} times ${status}`).join(", ")}; p99 ${Math.round(percentile(times, 0.99))} ms`;
    },
  },
  {
    row: 71, title: "people log out while they send from three tabs on three gateways", crowds: [{ users: 10, rate: 90, tabs: 3 }],
    async inject(stage) {
      const [crowd] = stage.crowds;
      const gone = crowd.names.slice(0, 5);
      await stage.fault("logouts", async () => {
        for (const name of gone) {
          await stage.leave(crowd, [name]);
          await stage.flows(10);
        }
      });
      return `${gone.length} people, their ${3 * gone.length} tabs closed within a round trip`;
    },
  },
  {
    row: 72, title: "the notice of a kick is lost, because the gateway's subscription is broken at that moment", env: { LEASE_MS: "3000" },
    prepare: async (stage) => { stage.link = await stage.beforeRedis("gateway-1"); },
    async inject(stage) {
      const victim = await user(stage.stack.door, "victim");
      const peer = await connect(stage.stack.gateway(1), { token: victim.token });
      await stage.fault("lost kick", async () => {
        stage.link.set({ down: { hold: true } });
        await stage.stack.operator("FCALL", "parley_kick", "1", "{chat}:", "victim");
        assert.equal(await stage.stack.redis("EXISTS", "{chat}:user:victim"), "0", "Redis has kicked her");
        assert.equal(peer.collect("session_end").length, 0, "the notice did not come");
        stage.link.reset();
        stage.link.heal();
      });
      await peer.waitFor("session_end");
      await peer.waitFor(":disconnect");
      return "it is closed as soon as the gateway is back at Redis";
    },
  },
  {
    row: 74, title: "reconnect storm: 300 people after a gateway's death", crowds: [{ users: 300, rate: 60, delayMs: [200, 1000] }], env: { GATEWAYS: "2", GRACE_S: "20" },
    expect: { leaves: 0, notRecovered: 0 }, quick: true,
    async inject(stage) {
      const before = await stage.sum("cuts");
      await stage.fault("kill -9 gateway-1", () => stage.stack.signal("gateway-1", "SIGKILL"));
      await until("half of them were cut", async () => (await stage.sum("cuts")) >= before + 100);
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      const cut = (await stage.sum("cuts")) - before;
      await stage.flows();
      await stage.stack.startAgain("gateway-1");
      return `${cut} come back at once`;
    },
  },
  {
    row: 75, title: "a person's last connection at one gateway closes while another gateway opens one, again and again", crowds: [{ users: 6, rate: 30 }],
    async inject(stage) {
      const rounds = stage.full ? 250 : 100; /* a gateway takes 100 connections of one user at once, then 10 a second */
      const mover = await user(stage.stack.door, "mover");
      let tab = await connect(stage.stack.gateway(1), { token: mover.token });
      await stage.fault("moves", async () => {
        for (let i = 0; i < rounds; i++) {
          const next = connect(stage.stack.gateway(1 + ((i + 1) % 3)), { token: mover.token });
          await pause(stage.dice() * 4);
          tab.cut();
          tab = await next;
        }
      });
      assert.deepEqual(await changesOf(stage, "mover"), ["+mover"], "never announced as gone");
      await logout(stage.stack.door, "mover", mover.token);
      tab.close();
      return `${rounds} moves, announced once`;
    },
  },
  {
    row: 76, title: "somebody connects and is cut, 20 times a second", env: { GRACE_S: "3" }, crowds: [{ users: 6, rate: 30 }],
    async inject(stage) {
      const flapper = await user(stage.stack.door, "flapper");
      const peers = [];
      await stage.fault("flapping", async () => {
        for (let i = 0; i < 100; i++) {
          const peer = await connect(stage.stack.gateway(1 + (i % 3)), { token: flapper.token });
          peers.push(peer);
          await pause(40);
          peer.cut();
        }
      });
      assert.deepEqual(await changesOf(stage, "flapper"), ["+flapper"], "one change in all");
      await until("she leaves when the grace period is over", async () => (await changesOf(stage, "flapper")).length === 2);
      return "100 connections, one change";
    },
  },
  {
    row: 77, title: "a busy group: 200 members, 20 messages a second", crowds: [{ users: 200, rate: 20, group: 1 }], expect: { reconnects: 0 },
    async inject(stage) {
      await stage.fault("busy", () => stage.flows(100));
      return "4,000 deliveries a second";
    },
  },
];

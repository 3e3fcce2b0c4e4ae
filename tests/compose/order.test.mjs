/* order.test.mjs - containers started one by one, in orders that nobody would choose
 *
 * `setup` and Redis may come last: until then the others try again, and then all of it works without
 * a hand.  The one-shot `first` never runs here, so an empty Redis settles first. */
import assert from "node:assert/strict";
import { connect, logout, scene, user } from "../support/client.mjs";
import { request } from "../support/http.mjs";
import { until } from "../support/wait.mjs";
import { ONE_SHOTS, test, useProject } from "./project.mjs";

const project = useProject({ GRACE_S: "2", LEASE_MS: "1000", PING_INTERVAL_MS: "2000", PING_TIMEOUT_MS: "5000" });

const ORDERS = [
  ["haproxy", "gateway-svc", "auth-svc", "presence-svc", "redis", "setup"],
  ["presence-svc", "setup", "haproxy", "auth-svc", "gateway-svc", "redis"],
];

for (const order of ORDERS) {
  test(`${order.join(", ")}: in the end people chat`, async (t) => {
    const s = scene(t, project); /* first, so that people leave before everything goes */
    t.after(() => project.clear());
    const start = performance.now();
    for (const service of order) {
      await project.compose("up", "-d", "--no-build", "--no-deps", service);
      const there = (await project.containers()).map((c) => c.service);
      assert.deepEqual(new Set(there), new Set(order.slice(0, order.indexOf(service) + 1)), "no other was started");
      /* Without its certificate there is no door, without Redis nobody behind it. */
      if (there.includes("haproxy") && there.includes("setup") && !there.includes("redis")) {
        const res = await until("the door answers", () => request(project.door, "/login/early").catch(() => undefined), { timeout: 60_000 });
        assert.equal(res.status, 503, "without Redis nobody is served");
      }
    }
    await project.ready();
    await project.trustDoor();
    const first = await until("a login succeeds", () => user(project.door, "first").catch(() => undefined), { timeout: 60_000, every: 200 });
    t.diagnostic(`first login ${((performance.now() - start) / 1000).toFixed(1)} s after the first container`);
    const one = s.keep(await connect(project.door, { token: first.token }));
    const two = await s.enter("second", project.tlsDoor);
    const id = await one.say("group", "we made it");
    await Promise.all([one, two].map((peer) => peer.waitFor("message_in", (m) => m.message_id === id)));
    await logout(project.door, first.name, first.token);
    for (const { name, service, State } of await project.containers()) {
      assert.equal(State.Running, !ONE_SHOTS.includes(service), name);
    }
  });
}

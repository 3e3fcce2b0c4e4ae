/* compose_stack.mjs - the same stack for a test file, but in containers, and reached by the door alone
 *
 * tests/compose/road.test.mjs runs files of tests/e2e with PARLEY_STACK=compose and the project that
 * it has brought up in PARLEY_COMPOSE.  Differences: gateway(i) and auth(i) are the door, which
 * chooses by itself; programs that are killed come back by the engine's restart policy; the end of
 * the file is not the end of the stack. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertQuiet, Project } from "../compose/project.mjs";
import { until } from "./wait.mjs";

const SCALES = { GATEWAYS: "gateway-svc", AUTH_SVCS: "auth-svc", PRESENCE_SVCS: "presence-svc" };
const NAMES = { gateway: "gateway-svc", auth: "auth-svc", presence: "presence-svc", redis: "redis", haproxy: "haproxy" };
const GATEWAYS_MIN = 3; /* what the door chooses from */
/* All that tests do which an operator may not. */
const TAMPERING = new Set(["PEXPIRE", "HSET", "DEL", "SET"]);

/* Settings of a stack as those of a project and its numbers of replicas. */
export function asProject(env) {
  const { DOOR_PORT, DOOR_TLS_PORT, ...rest } = env;
  const scale = {};
  for (const [name, service] of Object.entries(SCALES)) {
    scale[service] = Math.max(Number(rest[name] ?? 1), service === "gateway-svc" ? GATEWAYS_MIN : 1);
    delete rest[name];
  }
  return { settings: rest, scale };
}

export function onCompose(Stack) {
  return class ComposeStack extends Stack {
    constructor(env) {
      super(env);
      this.wanted = env;
    }

    async start() {
      const { name, ports, settings } = JSON.parse(process.env.PARLEY_COMPOSE);
      assert.deepEqual({ ...settings, ...this.wanted }, settings, "it was brought up with what this file needs");
      this.project = Object.assign(new Project(), { name, ports });
      this.run = { door: { port: ports.port, tls_port: ports.tlsPort }, processes: [] };
      await this.project.ready();
      await this.project.trustDoor();
      await this.project.password("admin"); /* known, so that no log may hold it */
      await this.project.password("operator");
    }

    ready() {
      return this.project.allWell();
    }
    gateway() {
      return this.door;
    }
    auth() {
      return this.door;
    }
    process(name) {
      throw new Error(`${name}: a container's process is reached by signal() only`);
    }

    redis(...args) {
      return TAMPERING.has(args[0].toUpperCase()) ? this.project.admin(...args) : this.project.operator(...args);
    }
    operator(...args) {
      return this.project.operator(...args);
    }

    async signal(name, signal) {
      const [kind, number] = name.split("-");
      const container = await this.project.container(NAMES[kind], Number(number ?? 1));
      if (signal === "SIGKILL") {
        return this.project.kill(container);
      }
      process.kill(container.State.Pid, signal);
      const wanted = { SIGSTOP: "T", SIGCONT: "S" }[signal];
      assert.ok(wanted, `${signal} is known here`);
      return until(`${name} after ${signal}`, async () => (await this.project.state(container)) === wanted);
    }

    /* The project is taken down by whoever brought it up. */
    async stop() {}
    async remove() {}
    lastTest() {
      test("no token and no password in the log of any container", () => assertQuiet(this.project));
    }
  };
}

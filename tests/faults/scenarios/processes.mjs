/* processes.mjs - services that die, stand still, are restarted (rows 1 to 6) */
import assert from "node:assert/strict";
import { until } from "../../support/wait.mjs";
import { pause } from "../stage.mjs";

const THREE = { GATEWAYS: "3" };

export const processes = [
  {
    row: 1, title: "kill -9 of one of three gateways, under load", env: THREE, quick: true,
    expect: { leaves: 0, notRecovered: 0 },
    async inject(stage) {
      const before = await stage.sum("here");
      await stage.fault("kill -9 gateway-1", () => stage.stack.signal("gateway-1", "SIGKILL"));
      await until("somebody noticed", async () => (await stage.sum("here")) < before || (await stage.stack.isReady("gateway-1")) === false);
      await stage.every("present", { ms: 30_000 }, "R", "are not back");
      await stage.flows();
      await stage.stack.startAgain("gateway-1");
      return "its clients go to the others at once";
    },
  },
];

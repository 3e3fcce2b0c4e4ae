/* no_sticky.test.mjs - three gateways behind a door that sends every request to a random one */
import { test } from "node:test";
import { noSticky } from "../support/no_sticky.mjs";
import { useStack } from "../support/stack.mjs";

const stack = useStack({ GATEWAYS: "3", PING_INTERVAL_MS: "10000", PING_TIMEOUT_MS: "20000", RATE_MESSAGES: "10000:10000" });

test("40 default clients, 2,320 messages through a random door: none lost, double or out of order", () => noSticky(stack, 40, 400, 48));

stack.lastTest();

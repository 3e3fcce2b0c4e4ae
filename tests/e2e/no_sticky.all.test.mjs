/* no_sticky.all.test.mjs - no_sticky.test.mjs with 200 clients and 20,100 messages */
import { test } from "node:test";
import { noSticky } from "../support/no_sticky.mjs";
import { useStack } from "../support/stack.mjs";

const stack = useStack({ GATEWAYS: "3", PING_INTERVAL_MS: "10000", PING_TIMEOUT_MS: "20000", RATE_LOGINS: "1000:10000", RATE_MESSAGES: "10000:10000" });

test("200 default clients, 20,100 messages through a random door: none lost, double or out of order", () => noSticky(stack, 200, 100, 100));

stack.lastTest();

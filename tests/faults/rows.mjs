/* rows.mjs - every fault of the list, by number: a scenario that injects it, or why there is none
 *
 * elsewhere: a test of this project that already does exactly this (its file is checked to be there). */
import { crowds } from "./scenarios/crowds.mjs";
import { large } from "./scenarios/large.mjs";
import { network } from "./scenarios/network.mjs";
import { processes } from "./scenarios/processes.mjs";
import { redis } from "./scenarios/redis.mjs";

export const scenarios = [...processes, ...redis, ...network, ...crowds, ...large];

export const groups = [
  { title: "Processes and operations", first: 1, last: 13 },
  { title: "Redis", first: 14, last: 32 },
  { title: "Network, time, resources", first: 33, last: 46 },
  { title: "Sessions, presence, crowds", first: 69, last: 78 },
];

export const elsewhere = [
  { row: 11, title: "bad configuration: each ends at once with one clear line", file: "tests/unit/shared/test_common_settings.c" },
  { row: 36, title: "slow POST body, upgrade or frame: bounded in total, not per byte", file: "tests/security/door.test.mjs" },
  { row: 45, title: "no random bytes: refused at the start, never a weaker source", file: "tests/unit/shared/test_token.c" },
  { row: 70, title: "the same name logs in at two auth-svc in the same instant: one winner", file: "tests/e2e/race.all.test.mjs" },
  { row: 73, title: "a session reaches its maximum age on an open WebSocket", file: "tests/e2e/expiry.test.mjs" },
];

export const none = [
  { row: 28, title: "subscribe storm after a reconnection", why: "a gateway has three subscriptions, however many people it serves" },
  { row: 44, title: "malloc fails at call n", why: "by design memory that runs out ends the program, at whatever call: that is row 1" },
  { row: 78, title: "a user is removed from a room during a delivery", why: "there are no rooms but the group, which everybody is in; the end of a session is row 71" },
];

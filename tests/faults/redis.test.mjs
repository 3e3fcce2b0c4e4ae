/* redis.test.mjs - Redis that dies, forgets and stands still, under load (scenarios/redis.mjs) */
import { testRows } from "./quick.mjs";

testRows(14, 32);

/* network.test.mjs - pulled cables, slow readers, a reconnect storm (scenarios/network.mjs, crowds.mjs) */
import { testRows } from "./quick.mjs";

testRows(33, 78);

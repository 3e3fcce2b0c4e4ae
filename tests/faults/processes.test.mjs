/* processes.test.mjs - services that die, stand still and end, under load (scenarios/processes.mjs) */
import { testRows } from "./quick.mjs";

testRows(1, 13);

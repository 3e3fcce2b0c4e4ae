/* crowd.test.mjs - more users and messages than fit on a screen; 2,000 and 20,000 in crowd.all.test.mjs */
import { crowdOf } from "./crowd_of.mjs";

crowdOf({ users: 100, messages: 1000 });

/* crowd.all.test.mjs - 2,000 users in the list and 20,000 messages: the page stays small and smooth */
import { crowdOf } from "./crowd_of.mjs";

crowdOf({ users: 2000, messages: 20_000 });

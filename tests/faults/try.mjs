import { play } from "./stage.mjs";
import { processes } from "./scenarios/processes.mjs";
const t=performance.now();
const r = await play(processes[0], { seed: 1 });
console.log(JSON.stringify({...r, figures:{...r.figures, recovery: r.figures.recovery?.length}}, null, 1), performance.now()-t);

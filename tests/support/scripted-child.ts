// A whole scripted run as a process of its own, to be killed: `tsx scripted-child.ts <folder> <tasks>`.
import { scriptedRun, sumsRecipe } from "./scripted-run.js";

const [folder, tasksFolder] = process.argv.slice(2) as [string, string];
const run = await scriptedRun(folder, sumsRecipe(tasksFolder));
await run.work();
run.store.close();
process.stdout.write(`${run.model.ledger.length}\n`);

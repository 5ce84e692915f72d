// An unhealthy run as a process of its own, to be killed:
// `unhealthy-child.ts <folder> <tasks> stop|roll-back`. Ends with 75 where the run is paused.
import { PausedError } from "../../src/core/errors.js";
import { scriptedRun, sumsRecipe } from "./scripted-run.js";
import { collapsing, gameableRecipe, gaming } from "./unhealthy.js";

const [folder, tasks, action] = process.argv.slice(2) as [string, string, "stop" | "roll-back"];
const run =
  action === "stop"
    ? await scriptedRun(folder, sumsRecipe(tasks, { health: { distinct: { action } } }), {
        script: collapsing,
      })
    : await scriptedRun(folder, gameableRecipe(tasks, { length: { action } }), { script: gaming });
try {
  await run.work();
} catch (error) {
  if (!(error instanceof PausedError)) throw error;
  process.exitCode = error.exitCode;
} finally {
  run.store.close();
}

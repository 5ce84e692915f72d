import { loadEvolution } from "../../evolution/load.js";
import { planEvolution } from "../../evolution/plan.js";
import { refuseOtherVersion } from "../edited.js";
import { type CheckedEvolution, checkEvolution, createEvolution } from "../evolutions.js";
import { openMachine } from "../machine.js";
import { openChannels } from "../notifying.js";
import type { Output } from "../output.js";
import { promptReader } from "../prompts.js";
import { type RunOptions, workOnHeld } from "../work.js";
import { withWritableStore } from "./run.js";

/** `redistill prompts evolve <evolution>`: a new search, or the unfinished one of exactly this file. */
export async function promptsEvolveCommand(
  path: string,
  flags: { dryRun?: boolean; new?: boolean },
  options: RunOptions,
): Promise<void> {
  const { workspace, output, signal } = options;
  const { spec, recipe } = loadEvolution(path);
  const checked = await checkEvolution(spec, recipe, promptReader(workspace));
  openChannels(recipe.notify, (text) => output.note(text));
  showPlan(checked, output);
  if (flags.dryRun) return;
  await withWritableStore(options, async (store) => {
    const unfinished = flags.new ? null : store.runs.unfinished(checked.hash);
    if (unfinished) {
      output.line(`Going on with ${unfinished.id}, which is unfinished (--new starts another).`);
      await workOnHeld(store, unfinished, options, { wanted: recipe });
      return;
    }
    if (!flags.new) refuseOtherVersion(store, recipe, checked.prompts);
    const opened = await openMachine(workspace, recipe, output, signal);
    try {
      const run = await createEvolution(store, checked, opened, output);
      await workOnHeld(store, run, options, { wanted: recipe, opened });
    } finally {
      await opened.close();
    }
  });
}

function showPlan({ spec, recipe }: CheckedEvolution, output: Output): void {
  const planned = planEvolution(spec, recipe);
  const { drafts, breeding, proposals, proof, detectable } = planned;
  output.result({ kind: "evolution-plan", ...planned });
  output.line(
    `Evolution ${spec.name} of critique/${spec.prompt}: at most ${drafts} drafts, ${proposals} proposals, ${breeding} critiques and revisions to breed, ${proof} calls for the proof.`,
  );
  output.line(
    detectable === null
      ? `${spec.prove} tasks prove nothing at ${spec.alpha}: raise prove.`
      : `With ${spec.prove} proving tasks a winner must be fitter on ${(detectable * 100).toFixed(0)} points more of them than it is less fit on, to be found four times out of five (half of the tasks answered otherwise).`,
  );
}

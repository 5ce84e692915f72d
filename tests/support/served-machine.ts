// In the place of src/cli/machine.ts: the recipe's models as they are, and no trainer; see program.ts.
import type { Machine } from "../../src/cli/machine.js";
import { openModels } from "../../src/cli/models.js";
import type { Output } from "../../src/cli/output.js";
import type { Workspace } from "../../src/cli/paths.js";
import type { Recipe } from "../../src/core/recipe.js";
import { createVerify } from "../../src/verifiers/index.js";
import { scriptedTraining } from "./scripted-machine.js";

export async function openMachine(
  workspace: Workspace,
  recipe: Recipe,
  output: Output,
  signal: AbortSignal,
): Promise<Machine> {
  const absent = () => Promise.reject(new Error("no generator here"));
  const { models, close } = await openModels(recipe, output, signal);
  return {
    models,
    modelPath: "served",
    modelSha256: "0".repeat(64),
    train: scriptedTraining(workspace),
    verify: createVerify({}),
    generator: { tasks: absent, score: absent },
    workerPid: null,
    close,
  };
}

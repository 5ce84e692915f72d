import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commitAt } from "../controller/commit.js";
import { createRun } from "../controller/create.js";
import { requireFits } from "../controller/fits.js";
import { tasksBySplit } from "../controller/run.js";
import { RedistillError } from "../core/errors.js";
import type { EvolutionSpec } from "../core/evolution.js";
import { sha256 } from "../core/hash.js";
import { requirePriced } from "../core/money.js";
import type { Recipe } from "../core/recipe.js";
import { divide } from "../evolution/tasks.js";
import type { Publish } from "../evolution/types.js";
import { parsePrompt } from "../prompts/load.js";
import { requireVariables } from "../prompts/rules.js";
import { stageVariables } from "../prompts/stages.js";
import { recipeWith } from "../recipes/settings.js";
import { makeDirectory, writeFileAtomic } from "../setup/files.js";
import { checkTaskFiles, collectTasks } from "../sources/index.js";
import type { PromptSnapshot, RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { fingerprint } from "./fingerprint.js";
import type { Machine } from "./machine.js";
import type { Output } from "./output.js";
import { refuseLink, type Workspace } from "./paths.js";
import { promptsFrom, type ReadPrompt, snapshotFrom } from "./prompts.js";
import { identities } from "./same-model.js";

/** An evolution that could be begun. */
export interface CheckedEvolution {
  readonly spec: EvolutionSpec;
  readonly recipe: Recipe;
  readonly prompts: readonly PromptSnapshot[];
  /** Of everything that determines it. */
  readonly hash: string;
}

/**
 * Checks all that can be checked before anything is paid for.
 *
 * @throws RedistillError `usage` with what is wrong.
 */
export async function checkEvolution(
  spec: EvolutionSpec,
  recipe: Recipe,
  read: ReadPrompt,
): Promise<CheckedEvolution> {
  checkTaskFiles(recipe);
  requirePriced(recipe);
  const { path, body } = read("evolve", spec.reflect.prompt);
  const reflect = parsePrompt("evolve", path, body);
  requireVariables(reflect, stageVariables.evolve);
  const { name, version, hash } = reflect;
  const prompts = [...snapshotFrom(read, recipe), { stage: "evolve", name, version, hash, body }];
  if (promptsFrom(prompts).critique?.output === "none") {
    throw new RedistillError(
      "usage",
      `prompt critique/${spec.prompt} asks nothing, so that there is nothing to evolve`,
      "Begin with another prompt: `redistill prompts list`.",
    );
  }
  const { recipe: _path, ...rest } = spec;
  return { spec, recipe, prompts, hash: sha256([rest, await fingerprint(recipe, prompts)]) };
}

/**
 * Writes the run of an evolution with its training tasks. Tasks of other splits are drawn too, so that the training
 * split is that of an ordinary run, and left out: nothing here could ask them.
 */
export async function createEvolution(
  store: Store,
  { spec, recipe, prompts, hash }: CheckedEvolution,
  machine: Machine,
  output: Output,
): Promise<RunRow> {
  const { tasks, leftOut } = await collectTasks(recipe, machine.generator);
  if (leftOut > 0) {
    output.line(`${leftOut} training tasks left out: they resemble held-out ones.`);
  }
  const train = tasks.filter(({ split }) => split === "train");
  const divided = divide(train, recipe, spec);
  // It has the method that needs no trainer, and no memory either.
  const asking = recipeWith(recipe, { retrain: { method: "sft" } }, "the evolution");
  const asked = { ...promptsFrom(prompts), memory: null, distil: null };
  await requireFits(asking, tasksBySplit(train), asked, machine.models);
  return commitAt(store, "evolution:create", () => {
    const run = createRun(
      store,
      {
        ...{ recipe, prompts, recipeHash: hash },
        modelDigest: machine.models.student.digest,
        roles: identities(recipe, machine.models),
        modelPath: machine.modelPath,
        modelSha256: machine.modelSha256,
      },
      train,
    );
    store.evolutions.create(run.id, spec, divided);
    return run;
  });
}

/** Writes winners into the workspace's prompts, never over a file with other content. */
export function promptPublisher({ root }: Workspace): Publish {
  return async (name, body) => {
    const path = `prompts/critique/${name}.md`;
    const file = join(root, path);
    refuseLink(dirname(file), "prompts stay in the workspace");
    if (existsSync(file)) {
      // A process that died right after it had written the file left it there.
      if (readFileSync(file, "utf8") === body) return path;
      throw new RedistillError(
        "state",
        `${path} is there already with other content; the winner is not written over it`,
        "Move that file away, then resume the run: everything else is done.",
      );
    }
    await makeDirectory(dirname(file));
    await writeFileAtomic(file, body);
    return path;
  };
}

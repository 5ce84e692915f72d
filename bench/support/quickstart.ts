import { defaultRecipe, workspaceAt } from "../../src/cli/paths.js";
import { promptsFrom, snapshotPrompts } from "../../src/cli/prompts.js";
import type { CallRequest, Task } from "../../src/core/entities.js";
import type { Recipe } from "../../src/core/recipe.js";
import { emptyRound } from "../../src/core/round.js";
import { loadRecipe } from "../../src/recipes/load.js";
import { collectTasks } from "../../src/sources/index.js";
import { requestFor, teacherMessages } from "../../src/stages/support/requests.js";
import type { StageInput, StagePrompts } from "../../src/stages/types.js";
import type { PromptSnapshot } from "../../src/store/runs.js";

/** The quickstart's recipe with other numbers of tasks, and without retention suite and final test. */
export function smallQuickstart(sizes: { train: number; gate: number; perRound: number }): Recipe {
  const recipe = loadRecipe(defaultRecipe);
  return {
    ...recipe,
    rounds: 1,
    tasks: { source: "orders", train: sizes.train, gate: sizes.gate, sealed: 0, seed: null },
    retention: null,
    elicit: { tasksPerRound: sizes.perRound },
    curate: { ...recipe.curate, minimum: 1 },
  };
}

/** What the embedded engine needs of a recipe's model. */
export function engineSettings({ model }: Recipe): {
  contextTokens: number;
  sequences: number;
  threads: number;
} {
  if (model.provider !== "embedded") throw new Error("this is measured with the embedded engine");
  const { contextTokens, sequences, threads } = model;
  return { contextTokens, sequences, threads };
}

/** The packaged prompts that a recipe names, as a run stores them and as its stages use them. */
export function promptsOf(recipe: Recipe): { snapshots: PromptSnapshot[]; prompts: StagePrompts } {
  const snapshots = snapshotPrompts(recipe, workspaceAt("."));
  return { snapshots, prompts: promptsFrom(snapshots) };
}

export async function tasksOf(recipe: Recipe): Promise<Task[]> {
  const absent = () => Promise.reject(new Error("orders need no generator"));
  const none = { tasks: absent, score: absent };
  return (await collectTasks(recipe, none)).tasks;
}

/** What the first round's generate stage asks of the model, for so many tasks. */
export async function teacherRequests(tasks: number): Promise<CallRequest[]> {
  const { exemplars } = loadRecipe(defaultRecipe).teacher;
  const recipe = smallQuickstart({ train: exemplars + tasks, gate: 1, perRound: tasks });
  const train = (await tasksOf(recipe)).filter(({ split }) => split === "train");
  const input: StageInput = {
    recipe,
    round: 1,
    incumbent: null,
    candidate: null,
    tasks: { train, replay: [], gate: [], sealed: [], retention: [] },
    prompts: promptsOf(recipe).prompts,
    rows: emptyRound,
    earlierExamples: [],
    earlierLessons: [],
    earlierClusters: [],
    earlierLooks: [],
    plannedTasks: null,
  };
  return train.slice(exemplars).flatMap((task) => {
    // One array for all samples of a task, as in the stage: that is how the engine knows them.
    const messages = teacherMessages(input, task);
    return Array.from({ length: recipe.generate.attempts }, (_, index) =>
      requestFor(messages, recipe.generate, recipe.seed, "generate", 1, task.id, index),
    );
  });
}

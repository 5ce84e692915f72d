import type { Task } from "../../src/core/entities.js";
import { sha256 } from "../../src/core/hash.js";
import type { Prompt } from "../../src/core/prompt.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { taskFrom } from "../../src/sources/jsonl.js";
import type { StagePrompts } from "../../src/stages/types.js";
import type { Store } from "../../src/store/store.js";

const student: Prompt = {
  stage: "student",
  name: "answer",
  version: "1",
  hash: sha256("student"),
  parent: null,
  source: null,
  variables: ["task"],
  output: "text",
  system: "Answer with the number alone.",
  user: "{{task}}",
};

export const studentAlone: StagePrompts = {
  student,
  critique: null,
  trial: null,
  refine: null,
  memory: null,
  distil: null,
  solution: null,
  feedback: null,
  cluster: null,
  judge: null,
  rubric: null,
  repair: null,
};

/** A recipe for runs that no model and no trainer works on; nothing in it takes a noticeable time. */
export function syntheticRecipe(changes: {
  tasks: { train: number; gate: number };
  [section: string]: unknown;
}): Recipe {
  const { tasks, ...rest } = changes;
  return recipeSchema.parse({
    name: "synthetic",
    rounds: 1,
    generate: { attempts: 1 },
    ...rest,
    tasks: { source: "orders", ...tasks },
  });
}

/** Sums of two numbers, all different. */
export function sums(split: Task["split"], count: number): Task[] {
  return Array.from({ length: count }, (_, i) =>
    taskFrom(
      {
        prompt: `Calculate ${1000 + i} + ${7 * i + split.length}, for ${split}.`,
        reference: String(1000 + i + 7 * i + split.length),
        verifier: { kind: "exact" },
        tags: [],
        metadata: null,
      },
      split,
    ),
  );
}

/** The right answer to a sum. */
export function solve(prompt: string): string {
  const [, a, b] = /(\d+) \+ (\d+)/.exec(prompt) ?? [];
  return String(Number(a) + Number(b));
}

/** Writes a run that has not begun. */
export function createRun(
  store: Store,
  recipe: Recipe,
  tasks: readonly Task[],
  modelDigest: string,
): string {
  return store.transaction(() => {
    const id = store.runs.nextId(recipe.name);
    store.runs.create({
      ...{ id, recipe, recipeHash: sha256(recipe), modelDigest, modelPath: "scripted" },
      ...{ modelSha256: "0".repeat(64), folder: `runs/${id}` },
      prompts: [{ stage: "student", name: "answer", version: "1", hash: student.hash, body: "" }],
    });
    store.tasks.insertAll(id, tasks);
    return id;
  });
}

import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import type { Prompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { parsePrompt, readPromptFile, requireVariables } from "../prompts/load.js";
import type { StagePrompts } from "../stages/types.js";
import type { PromptSnapshot } from "../store/runs.js";
import { packagedPrompts, type Workspace } from "./paths.js";

/** Reads and checks all prompts of a recipe before anything else happens. */
export function snapshotPrompts(recipe: Recipe, workspace: Workspace): PromptSnapshot[] {
  const directories = [join(workspace.root, "prompts"), packagedPrompts];
  const always = ["task", "answer", "finding"];
  const wanted = [
    { stage: "student", name: recipe.student.prompt, available: ["task"] },
    ...(recipe.critique
      ? [{ stage: "critique", name: recipe.critique.prompt, available: always }]
      : []),
    ...(recipe.refine
      ? [
          {
            stage: "refine",
            name: recipe.refine.prompt,
            available: [
              ...always,
              ...(recipe.critique ? ["critique"] : []),
              ...(recipe.teacher.hint ? ["reference"] : []),
            ],
          },
        ]
      : []),
    ...(recipe.retrain.method === "sdpo"
      ? [
          { stage: "solution", name: recipe.retrain.solution, available: ["task", "solution"] },
          { stage: "feedback", name: recipe.retrain.feedback, available: always },
        ]
      : []),
  ];
  const snapshots = wanted.map(({ stage, name, available }) => {
    const { path, body } = readPromptFile(directories, stage, name);
    const prompt = parsePrompt(stage, path, body);
    requireVariables(prompt, available);
    if (prompt.system !== null && stage !== "student" && !prompt.variables.includes("task")) {
      throw new RedistillError(
        "usage",
        `${path}: it has a system message but does not name {{task}}, so it goes on with a conversation that has its own`,
        "Name {{task}} to ask it by itself, or remove the system message.",
      );
    }
    return { stage, name: prompt.name, version: prompt.version, hash: prompt.hash, body };
  });
  requireCritiqueIsRead(snapshots);
  return snapshots;
}

/** The prompts of a run as it began; the files may have changed since. */
export function promptsFrom(snapshots: readonly PromptSnapshot[]): StagePrompts {
  const of = (stage: string): Prompt | null => {
    const found = snapshots.find((snapshot) => snapshot.stage === stage);
    return found ? parsePrompt(stage, `prompts/${stage}/${found.name}.md`, found.body) : null;
  };
  return {
    student: of("student") as Prompt,
    critique: of("critique"),
    refine: of("refine"),
    solution: of("solution"),
    feedback: of("feedback"),
  };
}

/** A critique that the refine prompt does not show would be paid for and never read. */
function requireCritiqueIsRead(snapshots: readonly PromptSnapshot[]): void {
  const { critique, refine } = promptsFrom(snapshots);
  if (critique === null || refine === null || refine.variables.includes("critique")) return;
  throw new RedistillError(
    "usage",
    `the recipe writes critiques, but prompt refine/${refine.name} does not show them`,
    "Name {{critique}} in that prompt, take another, or remove `critique` from the recipe.",
  );
}

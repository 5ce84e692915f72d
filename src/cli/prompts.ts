import { join } from "node:path";
import { clustersWanted } from "../core/cluster.js";
import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import type { Prompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { lessonPrompts } from "../core/retrain.js";
import { parsePrompt, readPromptFile } from "../prompts/load.js";
import { requireUsable, requireVariables } from "../prompts/rules.js";
import { availableVariables, type PromptStage } from "../prompts/stages.js";
import type { StagePrompts } from "../stages/types.js";
import type { PromptSnapshot } from "../store/runs.js";
import { packagedPrompts, type Workspace } from "./paths.js";

/** Where prompts are looked for: a workspace's own come before the packaged ones. */
export function promptDirectories({ root }: Workspace): readonly string[] {
  return [join(root, "prompts"), packagedPrompts];
}

/** The prompts that a recipe asks with, by their stages. */
function promptsOf(recipe: Recipe): { stage: PromptStage; name: string }[] {
  const { student, critique, refine, retrain, judge, tasks } = recipe;
  const verifier = "verifier" in tasks ? tasks.verifier : null;
  const lessons = lessonPrompts(recipe);
  const judging = [
    judge && { stage: "judge" as const, name: judge.prompt },
    verifier?.kind === "rubric" && { stage: "rubric" as const, name: verifier.prompt },
  ];
  // The words in which an unreadable verdict is asked for again.
  const repair = judging.some(Boolean) && { stage: "repair" as const, name: "last-line" };
  const wanted = [
    { stage: "student" as const, name: student.prompt },
    critique && { stage: "critique" as const, name: critique.prompt },
    refine && { stage: "refine" as const, name: refine.prompt },
    retrain.method === "sdpo" && { stage: "solution" as const, name: retrain.solution },
    retrain.method === "sdpo" && { stage: "feedback" as const, name: retrain.feedback },
    clustersWanted(recipe)?.name === true && { stage: "cluster" as const, name: "name" },
    ...judging,
    repair,
    lessons && { stage: "memory" as const, name: lessons.prompt },
    lessons && { stage: "distil" as const, name: lessons.lessonPrompt },
  ];
  return wanted.filter((each) => each !== null && each !== false);
}

/** Where a prompt's text comes from. */
export type ReadPrompt = (stage: string, name: string) => { path: string; body: string };

/** Prompts as they are in the files now. */
export function promptReader(workspace: Workspace): ReadPrompt {
  const directories = promptDirectories(workspace);
  return (stage, name) => readPromptFile(directories, stage, name);
}

/** Reads and checks all prompts of a recipe before anything else happens. */
export function snapshotPrompts(recipe: Recipe, workspace: Workspace): PromptSnapshot[] {
  return snapshotFrom(promptReader(workspace), recipe);
}

/** The same with prompts from anywhere. */
export function snapshotFrom(read: ReadPrompt, recipe: Recipe): PromptSnapshot[] {
  const snapshots = promptsOf(recipe).map(({ stage, name }) => {
    const { path, body } = read(stage, name);
    const prompt = parsePrompt(stage, path, body);
    requireVariables(prompt, availableVariables(stage, recipe));
    requireUsable(prompt, path);
    return { stage, name: prompt.name, version: prompt.version, hash: prompt.hash, body };
  });
  requireCritiqueIsRead(snapshots);
  return snapshots;
}

/**
 * The prompts of a run whose files are others now, or gone: a run keeps those that it began with.
 * Files that cannot be read are not what it goes on with, either.
 */
export function changedSince(
  { recipe }: { readonly recipe: Recipe },
  snapshots: readonly PromptSnapshot[],
  workspace: Workspace,
): string[] {
  const directories = promptDirectories(workspace);
  const then = new Map(snapshots.map(({ stage, hash }) => [stage, hash]));
  return promptsOf(recipe)
    .filter(({ stage }) => then.has(stage))
    .filter(({ stage, name }) => then.get(stage) !== hashNow(directories, stage, name))
    .map(({ stage, name }) => `${stage}/${name}`);
}

function hashNow(directories: readonly string[], stage: string, name: string): string | null {
  try {
    return sha256(readPromptFile(directories, stage, name).body);
  } catch {
    return null;
  }
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
    memory: of("memory"),
    distil: of("distil"),
    solution: of("solution"),
    feedback: of("feedback"),
    cluster: of("cluster"),
    judge: of("judge"),
    rubric: of("rubric"),
    repair: of("repair"),
  };
}

/** A critique that the refine prompt does not show would be paid for and never read. */
function requireCritiqueIsRead(snapshots: readonly PromptSnapshot[]): void {
  const { critique, refine } = promptsFrom(snapshots);
  if (critique === null || critique.output === "none") return;
  if (refine === null || refine.variables.includes("critique")) return;
  throw new RedistillError(
    "usage",
    `the recipe writes critiques, but prompt refine/${refine.name} does not show them`,
    "Name {{critique}} in that prompt, take another, or remove `critique` from the recipe.",
  );
}

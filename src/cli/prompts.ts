import { join } from "node:path";
import { clustersWanted } from "../core/cluster.js";
import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { silentCritique } from "../core/levers.js";
import { embedsItself } from "../core/long-term.js";
import { critiquePromptsOf } from "../core/plan.js";
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
  const { student, refine, retrain, judge, tasks } = recipe;
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
    ...critiquesOf(recipe).map((name) => ({ stage: "critique" as const, name })),
    refine && { stage: "refine" as const, name: refine.prompt },
    retrain.method === "sdpo" && { stage: "solution" as const, name: retrain.solution },
    retrain.method === "sdpo" && { stage: "feedback" as const, name: retrain.feedback },
    clustersWanted(recipe)?.name === true && { stage: "cluster" as const, name: "name" },
    ...coaching(recipe),
    ...judging,
    repair,
    lessons && { stage: "memory" as const, name: lessons.prompt },
    lessons && { stage: "distil" as const, name: lessons.lessonPrompt },
    embedsItself(recipe.longTerm) && { stage: "embed" as const, name: "one-word" },
  ];
  return wanted.filter((each) => each !== null && each !== false);
}

function coaching({ policy }: Recipe): { stage: PromptStage; name: string }[] {
  if (policy.kind !== "coach") return [];
  return [
    { stage: "coach", name: policy.prompt },
    { stage: "coach-repair", name: "tool-call" },
  ];
}

/** The recipe's critique prompt, then those that its policy may put in its place. */
function critiquesOf(recipe: Recipe): string[] {
  const names = [...critiquePromptsOf(recipe)];
  const silent = names.length > 0 && recipe.policy.kind !== "fixed" ? [silentCritique] : [];
  return [...new Set([...names, ...silent])];
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
    return { stage, name, version: prompt.version, hash: prompt.hash, body };
  });
  requireCritiqueIsRead(snapshots);
  requireDifferent(snapshots);
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
  const then = new Map(snapshots.map(({ stage, name, hash }) => [`${stage}/${name}`, hash]));
  return promptsOf(recipe)
    .map(({ stage, name }) => ({
      path: `${stage}/${name}`,
      now: hashNow(directories, stage, name),
    }))
    .filter(({ path, now }) => then.has(path) && then.get(path) !== now)
    .map(({ path }) => path);
}

function hashNow(directories: readonly string[], stage: string, name: string): string | null {
  try {
    return sha256(readPromptFile(directories, stage, name).body);
  } catch {
    return null;
  }
}

/** The critique prompts of a run as it began, by name: its own, and those that a plan may take. */
export function critiquesFrom(snapshots: readonly PromptSnapshot[]): ReadonlyMap<string, Prompt> {
  const critiques = snapshots.filter(({ stage }) => stage === "critique");
  return new Map(critiques.map((snapshot) => [snapshot.name, parsed(snapshot)]));
}

/** How a run asks its coach, as it began; null where it has none. */
export function coachPromptsFrom(
  snapshots: readonly PromptSnapshot[],
): { coach: Prompt; repair: Prompt } | null {
  const of = (stage: string) => snapshots.find((snapshot) => snapshot.stage === stage);
  const [coach, repair] = [of("coach"), of("coach-repair")];
  return coach && repair ? { coach: parsed(coach), repair: parsed(repair) } : null;
}

/** The prompt around each text that a run's student makes a vector of, as it began; null where it makes none. */
export function embedPromptFrom(snapshots: readonly PromptSnapshot[]): Prompt | null {
  const found = snapshots.find(({ stage }) => stage === "embed");
  return found ? parsed(found) : null;
}

function parsed({ stage, name, body }: PromptSnapshot): Prompt {
  return parsePrompt(stage, `prompts/${stage}/${name}.md`, body);
}

/** The prompts of a run as it began, of each stage the recipe's own; the files may have changed since. */
export function promptsFrom(snapshots: readonly PromptSnapshot[]): StagePrompts {
  const of = (stage: string): Prompt | null => {
    const found = snapshots.find((snapshot) => snapshot.stage === stage);
    return found ? parsed(found) : null;
  };
  return {
    student: of("student") as Prompt,
    critique: of("critique"),
    // Settled by each round's settings.
    trial: null,
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

/** Of two prompts with one text nothing could tell which asked. */
function requireDifferent(snapshots: readonly PromptSnapshot[]): void {
  const names = new Map<string, string>();
  for (const { stage, name, hash } of snapshots) {
    const other = names.get(`${stage} ${hash}`);
    if (other !== undefined) {
      throw new RedistillError(
        "usage",
        `prompts ${stage}/${other} and ${stage}/${name} are the same file, byte for byte`,
        "Give each its own name in its front matter, or name one of them only.",
      );
    }
    names.set(`${stage} ${hash}`, name);
  }
}

/** A critique that the refine prompt does not show would be paid for and never read. */
function requireCritiqueIsRead(snapshots: readonly PromptSnapshot[]): void {
  const { refine } = promptsFrom(snapshots);
  if ([...critiquesFrom(snapshots).values()].every(({ output }) => output === "none")) return;
  if (refine === null || refine.variables.includes("critique")) return;
  throw new RedistillError(
    "usage",
    `the recipe writes critiques, but prompt refine/${refine.name} does not show them`,
    "Name {{critique}} in that prompt, take another, or remove `critique` from the recipe.",
  );
}

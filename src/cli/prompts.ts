import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { type Prompt, variablesIn } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { memorySettings } from "../core/retrain.js";
import { parsePrompt, readPromptFile, requireVariables } from "../prompts/load.js";
import type { StagePrompts } from "../stages/types.js";
import type { PromptSnapshot } from "../store/runs.js";
import { packagedPrompts, type Workspace } from "./paths.js";

/** Where a prompt's text comes from. */
export type ReadPrompt = (stage: string, name: string) => { path: string; body: string };

/** Reads and checks all prompts of a recipe, the workspace's own before the packaged ones, before anything else happens. */
export function snapshotPrompts(recipe: Recipe, workspace: Workspace): PromptSnapshot[] {
  return promptsOf(recipe, promptFiles(workspace));
}

/** Prompts as they are in the files now. */
export function promptFiles(workspace: Workspace): ReadPrompt {
  const directories = [join(workspace.root, "prompts"), packagedPrompts];
  return (stage, name) => readPromptFile(directories, stage, name);
}

/** The same from anywhere. */
export function promptsOf(recipe: Recipe, read: ReadPrompt): PromptSnapshot[] {
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
    ...judgingPrompts(recipe),
  ];
  const remembers = memorySettings(recipe);
  if (remembers !== null) {
    const { prompt, lessonPrompt } = remembers;
    wanted.push({ stage: "memory", name: prompt, available: ["lessons", "question"] });
    const available = ["task", "answer", "critique", "revision"];
    wanted.push({ stage: "distil", name: lessonPrompt, available });
  }
  const snapshots = wanted.map(({ stage, name, available }) => {
    const { path, body } = read(stage, name);
    const prompt = parsePrompt(stage, path, body);
    requireVariables(prompt, available);
    requireAll(prompt, stage, available);
    if (
      prompt.system !== null &&
      ["critique", "refine", "judge", "rubric"].includes(stage) &&
      !prompt.variables.includes("task")
    ) {
      throw new RedistillError(
        "usage",
        `${path}: it has a system message but does not name {{task}}, so it goes on with a conversation that has its own`,
        "Name {{task}} to ask it by itself, or remove the system message.",
      );
    }
    return { stage, name: prompt.name, version: prompt.version, hash: prompt.hash, body };
  });
  requireCritiqueIsRead(snapshots);
  requireRecalled(snapshots);
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
    memory: of("memory"),
    distil: of("distil"),
    solution: of("solution"),
    feedback: of("feedback"),
    judge: of("judge"),
    rubric: of("rubric"),
    repair: of("repair"),
  };
}

/** What a judge is asked with, and the words in which an unreadable verdict is asked for again. */
function judgingPrompts({ judge, tasks }: Recipe) {
  const { verifier } = "verifier" in tasks ? tasks : { verifier: null };
  const pairwise = judge
    ? [{ stage: "judge", name: judge.prompt, available: ["task", "first", "second", "mark"] }]
    : [];
  const rubric =
    verifier?.kind === "rubric"
      ? [{ stage: "rubric", name: verifier.prompt, available: ["task", "answer", "scale", "mark"] }]
      : [];
  const repair = { stage: "repair", name: "last-line", available: ["form"] };
  const asked = [...pairwise, ...rubric];
  return asked.length === 0 ? [] : [...asked, repair];
}

/** Without a mark around it, an answer could pass for the judge's own question. */
function requireAll(prompt: Prompt, stage: string, available: readonly string[]): void {
  if (stage !== "judge" && stage !== "rubric") return;
  const absent = available.filter((name) => !prompt.variables.includes(name));
  if (absent.length === 0) return;
  throw new RedistillError(
    "usage",
    `prompt ${stage}/${prompt.name} does not show the judge {{${absent.join("}}, {{")}}}`,
    `A ${stage} prompt names all of {{${available.join("}}, {{")}}}; {{mark}} stands before and after each quoted text.`,
  );
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

/** A memory's prompt without the lessons, or whose message is without the question, would lose them. */
function requireRecalled(snapshots: readonly PromptSnapshot[]): void {
  const { memory } = promptsFrom(snapshots);
  if (memory === null) return;
  const asked = variablesIn(memory.user).includes("question");
  if (asked && memory.variables.includes("lessons")) return;
  throw new RedistillError(
    "usage",
    `prompt memory/${memory.name} does not name {{${asked ? "lessons" : "question"}}}`,
    "Name both: {{lessons}} anywhere in it, {{question}} in the user's message.",
  );
}

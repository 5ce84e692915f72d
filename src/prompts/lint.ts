import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { nearest } from "../core/nearest.js";
import type { Prompt } from "../core/prompt.js";
import type { PromptFile } from "./library.js";
import { parsePrompt } from "./load.js";
import { requireUsable } from "./rules.js";
import { type PromptStage, promptStages, stageVariables } from "./stages.js";

/** A prompt under a name and version that it had before, and where that was. */
export interface EarlierPrompt {
  readonly stage: string;
  readonly name: string;
  readonly body: string;
  /** As it goes on from "differs from": "the packaged file", "that of run sums-1". */
  readonly whence: string;
}

export interface LintProblem {
  readonly path: string;
  readonly message: string;
}

/** Own words of a prompt, in tokens: a third of the smallest context in use here, 768. */
const mostTokens = 256;
/** Of English, by usual tokenizers; an estimate. */
const charactersPerToken = 4;
/** Stages whose prompts are words of the task, or of this program, and no idea of somebody's. */
const withoutSource = ["student", "repair", "coach-repair"];
/** What a student is asked with has nothing that it will not have at test time. */
const asksStudent = ["student", "memory"];

/**
 * What is wrong with prompts, one sentence each; none is asked of a model.
 *
 * @param files Those to look at.
 * @param known All that a recipe could name, for parents and twins.
 * @param earlier What had the same names before.
 */
export function lintPrompts(
  files: readonly PromptFile[],
  known: readonly PromptFile[],
  earlier: readonly EarlierPrompt[],
): LintProblem[] {
  return files.flatMap((file) => {
    const { path } = file;
    if (!isStage(file.stage)) {
      const close = nearest(file.stage, promptStages);
      const hint = close ? `; did you mean ${close}` : "";
      const message = `it lies in ${file.stage}/, which is no stage${hint} (${promptStages.join(", ")})`;
      return [{ path, message }];
    }
    const prompt = parsed(file);
    if (typeof prompt === "string") return [{ path, message: prompt }];
    const messages = [
      ...identityProblems(file, prompt, known),
      ...contentProblems(file, file.stage, prompt),
      ...twinProblems(file, prompt, known),
      ...versionProblems(file, prompt, earlier),
    ];
    return messages.map((message) => ({ path, message }));
  });
}

const isStage = (stage: string): stage is PromptStage => promptStages.some((s) => s === stage);

/** The prompt, or what is wrong with its file. */
function parsed({ stage, path, body }: PromptFile): Prompt | string {
  try {
    return parsePrompt(stage, path, body);
  } catch (error) {
    if (error instanceof RedistillError) return withoutPath(error.message, path);
    throw error;
  }
}

const withoutPath = (message: string, path: string) => message.replace(`${path}: `, "");

function identityProblems(file: PromptFile, prompt: Prompt, known: readonly PromptFile[]) {
  const { stage, parent } = prompt;
  const siblings = known.filter((each) => each.stage === stage).map(({ name }) => name);
  const problems: string[] = [];
  if (prompt.name !== file.name) {
    problems.push(`its name is ${prompt.name}, its file's ${file.name}; recipes go by the file's`);
  }
  if (prompt.source === null && !withoutSource.includes(stage)) {
    problems.push("it has no source: say where the idea comes from, or that it is your own");
  }
  if (parent !== null && (parent === file.name || !siblings.includes(parent))) {
    const close = nearest(
      parent,
      siblings.filter((name) => name !== file.name),
    );
    const hint = close ? `; did you mean ${close}` : "";
    problems.push(
      parent === file.name
        ? "it is its own parent"
        : `its parent ${parent} is no ${stage} prompt${hint}`,
    );
  }
  return problems;
}

function contentProblems({ path }: PromptFile, stage: PromptStage, prompt: Prompt): string[] {
  const problems: string[] = [];
  const may: readonly string[] = stageVariables[stage];
  const foreign = prompt.variables.filter((name) => !may.includes(name));
  for (const name of foreign) {
    problems.push(
      asksStudent.includes(stage)
        ? `it shows the student {{${name}}}, which it will not have at test time`
        : `no recipe gives a ${stage} prompt {{${name}}}; there is {{${may.join("}}, {{")}}}`,
    );
  }
  const length = (prompt.system?.length ?? 0) + prompt.user.length;
  const tokens = Math.ceil(length / charactersPerToken);
  if (tokens > mostTokens) {
    problems.push(
      `it is too long: about ${tokens} tokens (${length} characters); small models have room for ${mostTokens}`,
    );
  }
  try {
    requireUsable(prompt, path);
  } catch (error) {
    if (!(error instanceof RedistillError)) throw error;
    problems.push(withoutPath(error.message, path));
  }
  return problems;
}

/** What a model is asked, and how its answer is read: all of a prompt that changes a run. */
function asked({ system, user, output }: Prompt): string {
  return sha256({ system, user, output });
}

function twinProblems(file: PromptFile, prompt: Prompt, known: readonly PromptFile[]): string[] {
  return known
    .filter(({ stage, name }) => stage === file.stage && name !== file.name)
    .filter((other) => {
      const twin = parsed(other);
      return typeof twin !== "string" && asked(twin) === asked(prompt);
    })
    .map(({ name }) => `it asks the very same as ${file.stage}/${name}`);
}

/** Two texts under one name and version could not be told apart in a report. */
function versionProblems(
  file: PromptFile,
  prompt: Prompt,
  earlier: readonly EarlierPrompt[],
): string[] {
  const changed = earlier
    .filter(({ stage, name }) => stage === file.stage && name === file.name)
    .filter(({ body }) => {
      const then = parsed({ ...file, body });
      return (
        typeof then !== "string" && then.version === prompt.version && asked(then) !== asked(prompt)
      );
    })
    .map(({ whence }) => whence);
  if (changed.length === 0) return [];
  const places = [...new Set(changed)].join(" and ");
  return [`it is version ${prompt.version} but differs from ${places}; raise its version`];
}

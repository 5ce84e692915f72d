import { RedistillError } from "../core/errors.js";
import { type Prompt, variablesIn } from "../core/prompt.js";
import { type PromptStage, stageVariables } from "./stages.js";

/**
 * Refuses a prompt that wants what its stage will not have, before anything is paid for.
 *
 * @param available Variables that the stage has under this recipe.
 */
export function requireVariables(prompt: Prompt, available: readonly string[]): void {
  const missing = prompt.variables.filter((name) => !available.includes(name));
  if (missing.length === 0) return;
  const advice: Record<string, string> = {
    critique: "set critique.prompt in the recipe",
    reference: "set teacher.hint: true in the recipe",
    attempt: "set generate.attempts to 2 or more in the recipe",
  };
  const may: readonly string[] = stageVariables[prompt.stage as PromptStage];
  throw new RedistillError(
    "usage",
    `prompt ${prompt.stage}/${prompt.name} needs {{${missing.join("}}, {{")}}}, which this recipe does not give it`,
    `${missing.map((name) => (may.includes(name) && advice[name]) || `remove {{${name}}} from the prompt`).join("; ")}, or choose another prompt.`,
  );
}

/**
 * Refuses a prompt that its stage could make nothing of, whatever the recipe.
 *
 * @param where What to call it in errors: its path.
 */
export function requireUsable(prompt: Prompt, where: string): void {
  requireAll(prompt);
  requireAsked(prompt, where);
  requireRecalled(prompt);
}

/** Without a mark around it, an answer could pass for the judge's own question. */
function requireAll({ stage, name, variables }: Prompt): void {
  if (stage !== "judge" && stage !== "rubric") return;
  const needed = stageVariables[stage];
  const absent = needed.filter((each) => !variables.includes(each));
  if (absent.length === 0) return;
  throw new RedistillError(
    "usage",
    `prompt ${stage}/${name} does not show the judge {{${absent.join("}}, {{")}}}`,
    `A ${stage} prompt names all of {{${needed.join("}}, {{")}}}; {{mark}} stands before and after each quoted text.`,
  );
}

/** A question of its own has all that it is about; one that goes on has no system message of its own. */
function requireAsked({ stage, system, variables, output }: Prompt, where: string): void {
  const alone = variables.includes("task");
  if (system !== null && !alone && ["critique", "refine"].includes(stage)) {
    throw new RedistillError(
      "usage",
      `${where}: it has a system message but does not name {{task}}, so it goes on with a conversation that has its own`,
      "Name {{task}} to ask it by itself, or remove the system message.",
    );
  }
  if (stage === "critique" && alone && !variables.includes("answer") && output !== "none") {
    throw new RedistillError(
      "usage",
      `${where}: it names {{task}}, so it is asked by itself, and does not show what it is to criticise`,
      "Name {{answer}} too, or remove {{task}} to ask it after the answer.",
    );
  }
}

/** A memory's prompt without the lessons, or whose message is without the question, would lose them. */
function requireRecalled({ stage, name, user, variables }: Prompt): void {
  if (stage !== "memory") return;
  const asked = variablesIn(user).includes("question");
  if (asked && variables.includes("lessons")) return;
  throw new RedistillError(
    "usage",
    `prompt memory/${name} does not name {{${asked ? "lessons" : "question"}}}`,
    "Name both: {{lessons}} anywhere in it, {{question}} in the user's message.",
  );
}

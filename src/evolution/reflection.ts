import type { Message, Task } from "../core/entities.js";
import type { EvolutionDraft, Trial } from "../core/evolution.js";
import { type Prompt, renderPrompt, variablesIn } from "../core/prompt.js";
import { fieldsNamed } from "../prompts/variant.js";

/** Characters of each text in a failure, at most: several have to fit a small model's context. */
const longestText = 240;

/** Something that went badly, as the reflecting model reads it. */
export interface Failure {
  readonly task: Task;
  readonly draft: EvolutionDraft;
  readonly trial: Trial;
}

/** A prompt's failures on some tasks, the worst first; at most one of each task, so that they differ. */
export function failuresOf(
  trials: readonly Trial[],
  drafts: readonly EvolutionDraft[],
  minibatch: readonly string[],
  tasks: readonly Task[],
): Failure[] {
  const byId = new Map(drafts.map((draft) => [draft.id, draft]));
  const failed = trials
    .filter(({ score }) => score < 1)
    .map((trial) => ({ trial, draft: byId.get(trial.draftId)! }));
  return minibatch
    .flatMap((taskId) => {
      const own = failed.filter(({ draft }) => draft.taskId === taskId);
      const [worst] = own.sort((a, b) => a.trial.score - b.trial.score);
      return worst ? [{ ...worst, task: tasks.find(({ id }) => id === taskId)! }] : [];
    })
    .sort((a, b) => a.trial.score - b.trial.score);
}

/** What the reflecting model is asked: the prompt, what it led to, and what must stay as it is. */
export function reflectionMessages(
  reflect: Prompt,
  parent: Prompt,
  failures: readonly Failure[],
): Message[] {
  return renderPrompt(reflect, {
    prompt: parent.user,
    failures: failures.map(failureText).join("\n\n"),
    keep: keepText(parent),
  });
}

function failureText({ task, draft, trial }: Failure, at: number): string {
  const seen = draft.tried === "right" ? "which is right" : "which is wrong";
  const outcome = trial.outcome === "ok" ? "which is right" : "which is not right";
  const called = trial.says === null ? "" : ` (it called the answer ${trial.says})`;
  return [
    `Case ${at + 1}. Task: ${clipped(task.prompt)}`,
    `Answer, ${seen}: ${clipped(draft.answer)}`,
    `What was said of it${called}: ${clipped(trial.critique)}`,
    `Rewritten answer, ${outcome}: ${clipped(trial.revision)}`,
    `The checker says of that: ${clipped(trial.finding)}`,
  ].join("\n");
}

/** The placeholders and the lines of the answer that a proposal may not lose. */
function keepText(parent: Prompt): string {
  const variables = variablesIn(parent.user).map((name) => `{{${name}}}`);
  const fields = fieldsNamed(parent).map((field) => `${field}:`);
  return [
    ...(variables.length > 0
      ? [`Write ${variables.join(" and ")} where the task's own texts are to stand.`]
      : []),
    ...(fields.length > 0
      ? [`Keep asking for the lines ${fields.join(", ")} with the values that they may have.`]
      : []),
  ].join(" ");
}

function clipped(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  const characters = [...line];
  if (characters.length <= longestText) return line;
  return `${characters.slice(0, longestText).join("").trimEnd()}…`;
}

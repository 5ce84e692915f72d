import type { Attempt, Task } from "../../../core/entities.js";
import type { StageInput } from "../../types.js";
import { elicitedTasks, teacherMessages } from "../requests.js";
import { draftsToRewrite, rewriteMessages } from "../rewrites.js";
import {
  type Answered,
  answersByTask,
  distinct,
  exampleOf,
  type Gathered,
  rightAnswers,
} from "./answers.js";

/**
 * Questions as attempts were asked: with the teacher's exemplars. Only tasks that this view helped
 * to solve: their right attempts.
 */
export function attemptViews(input: StageInput): Gathered {
  const { right, refusals } = rightAnswers(input);
  const tasks = new Map(elicitedTasks(input).map((task) => [task.id, task]));
  const kept = answersByTask(right.filter(({ source }) => source === "attempt"))
    .flatMap(distinct)
    .map((answer) => {
      const messages = teacherMessages(input, tasks.get(answer.item.taskId) as Task);
      return exampleOf(input, answer, { kind: "view", messages });
    });
  return { kept, refusals };
}

/**
 * Questions as revisions were asked: with the critique, the finding, and the hint where the recipe
 * has one. One for each draft; what it learns from is the view, so the draft itself may be wrong.
 */
export function revisionViews(input: StageInput): Gathered {
  const prompt = input.prompts.refine;
  if (prompt === null) return { kept: [], refusals: [] };
  const kept = draftsToRewrite(input).map((draft) => {
    const messages = rewriteMessages(input, prompt, draft);
    return exampleOf(input, attemptOf(draft.attempt), { kind: "view", messages });
  });
  return { kept, refusals: [] };
}

/** As `revisionViews`, with the right revisions that came of them. */
export function revisedViews(input: StageInput): Gathered {
  const prompt = input.prompts.refine;
  if (prompt === null) return { kept: [], refusals: [] };
  const { right, refusals } = rightAnswers(input);
  const drafts = draftsToRewrite(input);
  const kept = right.flatMap((answer) => {
    if (answer.source !== "revision") return [];
    const { attemptId, critiqueId } = input.rows.revisions.find(({ id }) => id === answer.item.id)!;
    const draft = drafts.find(
      ({ attempt, critique }) => attempt.id === attemptId && (critique?.id ?? null) === critiqueId,
    );
    if (draft === undefined) return [];
    const messages = rewriteMessages(input, prompt, draft);
    return [exampleOf(input, answer, { kind: "view", messages })];
  });
  return { kept, refusals };
}

const attemptOf = (item: Attempt): Answered => ({ source: "attempt", item });

import type {
  CallRequest,
  Candidate,
  EvaluatedAnswer,
  Evaluation,
  Task,
} from "../../core/entities.js";
import type { Suite } from "../../core/round.js";
import type { StageInput, StagePorts } from "../types.js";
import { greedy, requestFor, studentQuestion } from "./requests.js";
import { exceptUnanswered } from "./unanswered.js";

/** What answering a suite takes. */
export type AnswerInput = Pick<StageInput, "recipe" | "prompts">;
export type AnswerPorts = Pick<StagePorts, "complete" | "verify">;

/** One model's answers to tasks of a suite: `attempts` to each, the first greedy, the others sampled. */
export async function answerTasks(
  input: AnswerInput,
  ports: AnswerPorts,
  asked: {
    readonly suite: Suite | "validation";
    readonly tasks: readonly Task[];
    readonly attempts: number;
  },
  model: Candidate | null,
): Promise<Evaluation[]> {
  const { suite, tasks, attempts } = asked;
  const each = tasks.flatMap((task) => Array.from({ length: attempts }, () => task));
  const requests = each.map((task, position) =>
    question(input, suite, task, position % attempts, model),
  );
  const completions = await ports.complete(requests, model?.weights ?? null);
  const answers = completions.map(({ text }) => text.trim());
  const checked = await ports.verify(each.map((task, i) => ({ task, answer: answers[i]! })));
  const verdicts = exceptUnanswered(checked, completions);
  const evaluated = completions.map(
    ({ callKey }, i): EvaluatedAnswer => ({
      callKey,
      answer: answers[i]!,
      verdict: verdicts[i]!,
    }),
  );
  return tasks.map(({ id }, i): Evaluation => {
    const [first, ...sampled] = evaluated.slice(i * attempts, (i + 1) * attempts);
    return { taskId: id, ...first!, ...(sampled.length > 0 ? { sampled } : {}) };
  });
}

function question(
  { recipe, prompts }: AnswerInput,
  suite: Suite | "validation",
  task: Task,
  attempt: number,
  model: Candidate | null,
): CallRequest {
  // Retention asks as anyone would, without the student's instructions.
  if (suite === "retention") {
    const settings = greedy(recipe.retention?.maxTokens ?? recipe.student.maxTokens);
    return requestFor([{ role: "user", content: task.prompt }], settings, "evaluate");
  }
  const messages = studentQuestion(prompts, model?.memory ?? null, task);
  const settings = greedy(recipe.student.maxTokens);
  if (attempt === 0) return requestFor(messages, settings, "evaluate");
  // Like the greedy one independent of the recipe's seed, so that both models and other runs are asked the same.
  const { temperature } = recipe.gate;
  return requestFor(messages, { ...settings, temperature }, "evaluate", task.id, attempt);
}

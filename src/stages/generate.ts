import type { Attempt, Task, Verdict } from "../core/entities.js";
import { stableId } from "../core/hash.js";
import { majorityVerdicts } from "../verifiers/index.js";
import { countVerdicts } from "./support/counts.js";
import { alsoAsked, elicitedTasks, requestFor, teacherMessages } from "./support/requests.js";
import { exceptUnanswered } from "./support/unanswered.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/** k answers to each task by the incumbent as teacher, each with a verdict. */
export async function generate(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, round } = input;
  const tasks = elicitedTasks(input);
  const drafts = tasks.flatMap((task) => {
    // One array for all samples of a task: the engine evaluates the prompt once.
    const messages = teacherMessages(input, task);
    return Array.from({ length: recipe.generate.attempts }, (_, index) => ({
      task,
      index,
      request: {
        ...requestFor(messages, recipe.generate, recipe.seed, "generate", round, task.id, index),
        ...alsoAsked(recipe),
      },
    }));
  });
  const completions = await ports.complete(
    drafts.map(({ request }) => request),
    input.incumbent,
  );
  const answers = completions.map(({ text }) => text.trim());
  // What was cut off has not said its answer: it has no vote, but counts among the attempts.
  const votes = completions.map(({ stopReason }, i) => (stopReason === "end" ? answers[i]! : ""));
  const checked = await labelAll(input, ports, drafts, { answers, votes });
  const verdicts = exceptUnanswered(checked, completions);
  const attempts = drafts.map(
    ({ task, index }, position): Attempt => ({
      id: stableId("attempt", round, task.id, index),
      taskId: task.id,
      index,
      callKey: completions[position]!.callKey,
      answer: answers[position]!,
      truncated: completions[position]!.stopReason === "length",
      verdict: verdicts[position]!,
    }),
  );
  const solved = new Set(attempts.filter((a) => a.verdict.outcome === "ok").map((a) => a.taskId));
  return {
    rows: { attempts },
    summary: { attempts: attempts.length, ...countVerdicts(attempts), "tasks solved": solved.size },
  };
}

/** Verdicts by reference, or by the majority of each task's own answers. */
async function labelAll(
  { recipe }: StageInput,
  ports: StagePorts,
  drafts: readonly { task: Task }[],
  { answers, votes }: { answers: readonly string[]; votes: readonly string[] },
): Promise<Verdict[]> {
  if (recipe.teacher.labels === "reference") {
    return ports.verify(drafts.map(({ task }, i) => ({ task, answer: answers[i]! })));
  }
  const { attempts } = recipe.generate;
  return drafts.flatMap(({ task }, i) =>
    i % attempts === 0
      ? majorityVerdicts(task.verifier, votes.slice(i, i + attempts), recipe.teacher.majorityShare)
      : [],
  );
}

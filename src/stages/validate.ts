import type { Task } from "../core/entities.js";
import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import { divideTraining, type ValidationAnswer } from "../core/validation.js";
import { answerTasks } from "./support/answers.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * The candidate answers training tasks that nothing is learned from, and as many that it learned from, by lot: how much
 * it knows by heart. The gate's suites have no part in it, nor this in the gate.
 */
export async function validate(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, tasks, candidate } = input;
  if (candidate === null) return { rows: {}, summary: { skipped: "no candidate" } };
  const { validation } = divideTraining(recipe, tasks.train);
  const learned = shuffled(learnedTasks(input), seedFor(recipe.seed, "validate", input.round));
  const asked = { suite: "validation", attempts: 1 } as const;
  const answersTo = async (
    kind: ValidationAnswer["kind"],
    chosen: readonly Task[],
  ): Promise<ValidationAnswer[]> => {
    const answers = await answerTasks(input, ports, { ...asked, tasks: chosen }, candidate);
    return answers.map(({ sampled: _one, ...answer }) => ({ kind, ...answer }));
  };
  const seen = await answersTo("learned", learned.slice(0, validation.length));
  const unseen = await answersTo("unseen", validation);
  return {
    rows: { validation: [...seen, ...unseen] },
    summary: { learned: rightOf(seen), unseen: rightOf(unseen) },
  };
}

/** Tasks that the round's examples are of, in the order of the split. */
function learnedTasks({ rows, tasks }: StageInput): Task[] {
  const ids = new Set(rows.examples.map(({ taskId }) => taskId));
  return tasks.train.filter(({ id }) => ids.has(id));
}

function rightOf(answers: readonly ValidationAnswer[]): string {
  return `${answers.filter(({ verdict }) => verdict.outcome === "ok").length}/${answers.length}`;
}

import type { Message, Task } from "../../src/core/entities.js";
import { RedistillError } from "../../src/core/errors.js";
import type { Prompt } from "../../src/core/prompt.js";
import type { Recipe } from "../../src/core/recipe.js";
import { exemplarTurn } from "../../src/stages/support/memory/recall.js";
import { studentMessages } from "../../src/stages/support/requests.js";
import type { TaskSets } from "../../src/stages/types.js";
import { numbersIn } from "../../src/verifiers/numbers.js";

/** What bench/peers/*.py read, as JSON. */
export interface PeerJob {
  readonly train: readonly PeerTask[];
  /** The gate's tasks and then the sealed ones. */
  readonly heldOut: readonly { readonly prompt: string; readonly messages: readonly Message[] }[];
  readonly retention: readonly (readonly Message[])[];
  /** How answers are rewarded and filtered: bench/peers/checks.py. */
  readonly check: Check;
  /** How many of the first training tasks stand solved in `shown`. */
  readonly exemplars: number;
  /** The student's system message, empty where it has none. */
  readonly instructions: string;
  readonly maxTokens: number;
  readonly sampleMaxTokens: number;
  readonly retentionMaxTokens: number;
  readonly seed: number;
  readonly minutes: number;
  /** The GGUF file. */
  readonly weights: string;
}

interface PeerTask {
  readonly prompt: string;
  readonly reference: string;
  /** The student's question. */
  readonly messages: readonly Message[];
  /** The same after the teacher's solved tasks. */
  readonly shown: readonly Message[];
}

type Check = "fields" | "exact" | "numeric";

/**
 * The tasks of a run as the peers get them: the student's prompt and limits are the recipe's.
 *
 * @throws RedistillError `usage` for tasks that bench/peers/checks.py cannot check.
 */
export function peerJob(
  { recipe, student, tasks }: { recipe: Recipe; student: Prompt; tasks: TaskSets },
  { minutes, weights }: { minutes: number; weights: string },
): PeerJob {
  const { exemplars } = recipe.teacher;
  const solved = tasks.train
    .slice(0, exemplars)
    .flatMap(({ prompt, reference }) => exemplarTurn(student, { prompt, answer: reference ?? "" }));
  return {
    train: tasks.train.map((task) => {
      const messages = studentMessages(student, task);
      const system = messages.filter(({ role }) => role === "system");
      const rest = messages.filter(({ role }) => role !== "system");
      const { prompt, reference } = task;
      return {
        ...{ prompt, reference: reference ?? "", messages },
        shown: [...system, ...solved, ...rest],
      };
    }),
    heldOut: [...tasks.gate, ...tasks.sealed].map((task) => ({
      prompt: task.prompt,
      messages: studentMessages(student, task),
    })),
    retention: tasks.retention.map(({ prompt }) => [{ role: "user", content: prompt }]),
    check: checkOf(tasks.train),
    exemplars,
    instructions: student.system ?? "",
    maxTokens: recipe.student.maxTokens,
    sampleMaxTokens: recipe.generate.maxTokens,
    retentionMaxTokens: recipe.retention?.maxTokens ?? recipe.student.maxTokens,
    ...{ seed: recipe.seed, minutes, weights },
  };
}

function checkOf(tasks: readonly Task[]): Check {
  const [kind, ...others] = new Set(tasks.map(({ verifier }) => verifier.kind));
  if (others.length === 0 && (kind === "fields" || kind === "exact" || kind === "numeric")) {
    if (tasks.every(({ reference }) => reference !== null)) return kind;
  }
  // Its own scorer is not in every peer's environment; for numbers the last one is what it compares.
  const numbers = ({ reference }: Task) => numbersIn(reference ?? "").length === 1;
  if (others.length === 0 && kind === "reasoning_gym" && tasks.every(numbers)) return "numeric";
  throw new RedistillError(
    "usage",
    `the peers cannot check tasks of ${[kind, ...others].join(" and ")} as these are`,
    "Take a recipe whose tasks all have a reference and one verifier of fields, exact or numeric.",
  );
}

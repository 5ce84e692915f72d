import type { Candidate, Evaluation, Look, Task } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { seedFor } from "../../core/hash.js";
import { modelOf } from "../../core/model.js";
import { shuffled } from "../../core/random.js";
import type { SuiteAnswers } from "../../core/round.js";
import { type LookPlan, levelOfLook, mean, sequentialLook } from "../../stats/index.js";
import type { StageInput } from "../types.js";
import { type AnswerPorts, answerTasks } from "./answers.js";

/** Waves of answers between two looks at the wealth: fewer leave the engine idle, more ask in vain. */
const wavesPerBatch = 2;

/** What this round's look may claim, from what became of the earlier ones. */
export function planOf({ recipe, tasks, earlierLooks }: StageInput): LookPlan {
  return {
    level: levelOfLook(recipe.gate.alpha, recipe.rounds, earlierLooks),
    horizon: tasks.gate.length,
  };
}

/**
 * Asks incumbent and candidate the gate suite, a batch at a time, until the look is decided. The order
 * is one that the recipe's seed alone determines and that all looks of a run share: what a model was
 * asked in an earlier one is the beginning of what it is asked in this one, and not asked again.
 *
 * @returns each model's answers so far, in that order; nothing is asked where there is nothing to compare.
 */
export async function askUntilDecided(
  input: StageInput,
  ports: AnswerPorts,
): Promise<SuiteAnswers[]> {
  const { recipe, incumbent, candidate } = input;
  const plan = planOf(input);
  const { attempts } = recipe.gate;
  const order = shuffled(input.tasks.gate, seedFor(recipe.seed, "gate", "order"));
  const batch = Math.ceil((wavesPerBatch * modelOf(recipe, "student").sequences) / attempts);
  let before = gateAnswers(input, incumbent);
  if (candidate === null || isIncumbent(input)) return suiteAnswers([[incumbent, before]]);
  let after = gateAnswers(input, candidate);
  for (;;) {
    const look = sequentialLook(differences(before, after), plan);
    if (look.outcome !== "open" || look.tasks === plan.horizon) break;
    const next = order.slice(0, look.tasks + batch);
    before = [...before, ...(await answersTo(next.slice(before.length), incumbent))];
    after = [...after, ...(await answersTo(next.slice(after.length), candidate))];
  }
  return suiteAnswers([
    [incumbent, before],
    [candidate, after],
  ]);

  async function answersTo(tasks: readonly Task[], model: Candidate | null): Promise<Evaluation[]> {
    if (tasks.length === 0) return [];
    return answerTasks(input, ports, { suite: "gate", tasks, attempts }, model);
  }
}

/** Training may give the incumbent again: then there is nothing to look at. */
export function isIncumbent({ candidate, incumbent }: StageInput): boolean {
  return candidate !== null && candidate.sha256 === incumbent?.sha256;
}

/**
 * The look over the answers that are there, and the answers that decided it. The same rows give the
 * same look, whenever a process was killed between them.
 *
 * @throws RedistillError `internal` when the answers are not those of one look, or end before it does.
 */
export function lookAt(input: StageInput): {
  readonly look: Look;
  readonly before: readonly Evaluation[];
  readonly after: readonly Evaluation[];
} {
  const [before, after] = [
    gateAnswers(input, input.incumbent),
    gateAnswers(input, input.candidate),
  ];
  const plan = planOf(input);
  const { outcome, tasks, wealth } = sequentialLook(differences(before, after), plan);
  if (outcome === "open" && tasks < plan.horizon) {
    throw new RedistillError(
      "internal",
      `the look at the gate is undecided after ${tasks} of ${plan.horizon} tasks, and no more were asked`,
      "Please report it with the run's database.",
    );
  }
  const decisive = { before: before.slice(0, tasks), after: after.slice(0, tasks) };
  const look: Look = {
    ...{ outcome, tasks, wealth, horizon: plan.horizon, attempts: input.recipe.gate.attempts },
    incumbent: mean(decisive.before.map(shareRight)) ?? 0,
    candidate: mean(decisive.after.map(shareRight)) ?? 0,
  };
  return { look, ...decisive };
}

/** A model's answers to the gate suite so far; null is the base weights. */
function gateAnswers({ rows }: StageInput, model: Candidate | null): readonly Evaluation[] {
  const adapter = model?.sha256 ?? null;
  const of = (answers: SuiteAnswers) => answers.suite === "gate" && answers.adapter === adapter;
  return rows.evaluations.find(of)?.items ?? [];
}

function suiteAnswers(
  all: readonly (readonly [Candidate | null, readonly Evaluation[]])[],
): SuiteAnswers[] {
  return all
    .map(([model, items]) => ({ suite: "gate", adapter: model?.sha256 ?? null, items }) as const)
    .filter(({ items }) => items.length > 0);
}

/** Candidate - incumbent on each task that both have answered, in [-1, 1]. */
function differences(before: readonly Evaluation[], after: readonly Evaluation[]): number[] {
  return before.slice(0, after.length).map((was, position) => {
    const is = after[position]!;
    if (was.taskId === is.taskId && attemptsOf(was) === attemptsOf(is)) {
      return shareRight(is) - shareRight(was);
    }
    throw new RedistillError(
      "internal",
      `a look at the gate over answers to other tasks: ${was.taskId} and ${is.taskId} at place ${position + 1}`,
      "Please report it with the run's database.",
    );
  });
}

const attemptsOf = ({ sampled = [] }: Evaluation) => 1 + sampled.length;

/** A task's score: the share of its answers that are right. Ungradable is not right, as in the exact test. */
function shareRight({ verdict, sampled = [] }: Evaluation): number {
  const right = [verdict, ...sampled.map((each) => each.verdict)].filter(
    ({ outcome }) => outcome === "ok",
  );
  return right.length / (1 + sampled.length);
}

import { seedFor } from "../../core/hash.js";
import { leversOf, limitsOf, silentCritique } from "../../core/levers.js";
import { critiquePromptsOf } from "../../core/plan.js";
import type { Observation, TaskSeen } from "../../core/policy.js";
import { divideTraining } from "../../core/validation.js";
import type { RunRow } from "../../store/runs.js";
import { commitAt } from "../commit.js";
import type { Ledger } from "../ledger.js";
import { lessonsFor } from "../memory/recall.js";
import type { RunContext } from "../unit.js";
import { withKin } from "./kin.js";
import { incumbentRank, roundSeen } from "./rounds.js";

/** Finished rounds that a policy is told of: of those before, what is left after decay would change nothing. */
const recentRounds = 20;
/** Lessons of the long-term memory that it is told, at most. */
const mostLessons = 12;

/**
 * What a coach is told before a round. It is a row before the first question, and the same for whoever goes on: what is
 * left of time and money moves on, and a question with other figures would be asked, and paid for, anew.
 */
export function observeOnce(
  context: RunContext,
  run: RunRow,
  round: number,
  ledger: Ledger,
): Observation {
  const { plans } = context.store;
  const known = plans.observed(run.id, round);
  if (known !== null) return known;
  const observation = observe(context, run, round, ledger);
  commitAt(context.store, "observe", () => {
    plans.observe(run.id, round, observation);
    ledger.write();
  });
  // Read back: the order of its members is the same for all who read it.
  return plans.observed(run.id, round) as Observation;
}

/**
 * All that a policy is told before a round. It is made of training tasks, and of counts: no task of a suite, and no
 * answer to one, is read for it. Everything but `seconds` and what is left of time, money and disk is the same after any
 * interruption.
 */
export function observe(
  context: RunContext,
  run: RunRow,
  round: number,
  ledger: Pick<Ledger, "left">,
): Observation {
  const { store, tasks } = context;
  const { recipe } = run;
  const { learnable } = divideTraining(recipe, tasks.train);
  const pool = learnable.length;
  const finished = store.rounds.all(run.id).filter(({ finishedAt }) => finishedAt !== null);
  const recent = finished.slice(-recentRounds);
  const observation: Observation = {
    round,
    seed: seedFor(recipe.seed, "policy", round),
    recipe: leversOf(recipe, pool),
    limits: limitsOf(recipe, pool),
    ...(recipe.policy.kind === "fixed" ? {} : { margins: recipe.policy.margins }),
    critiquePrompts: critiquesOf(context, run),
    rounds: recent.map((row) => roundSeen(store, run, row, pool)),
    incumbentRank: incumbentRank(store, run, pool),
    tasks: tasksSeen(
      learnable.map(({ id }) => id),
      store.observed.tries(run.id, recent[0]?.number ?? round),
      store.clusters.ofTasks(run.id, round),
    ),
    clusters: store.clusters.ofRun(run.id, round),
    budgetLeft: ledger.left(),
    roundsLeft: recipe.rounds - round + 1,
    lessons: recipe.longTerm?.read ? lessonsFor(store, run, { limit: mostLessons }) : [],
  };
  return withKin(observation, tasks.train);
}

/** The recipe's and those of its policy, then what coaches wrote; saying nothing is always there to be tried, and no prompt. */
function critiquesOf({ critiques }: RunContext, { recipe }: RunRow): string[] {
  const own = critiquePromptsOf(recipe);
  const written = [...critiques().keys()].filter((name) => name !== silentCritique);
  return [...new Set([...own, ...written])];
}

function tasksSeen(
  ids: readonly string[],
  tries: readonly (TaskSeen["tries"][number] & { readonly taskId: string })[],
  ofTask: ReadonlyMap<string, string>,
): TaskSeen[] {
  const known = new Map<string, TaskSeen["tries"][number][]>();
  for (const { taskId, round, right, attempts } of tries) {
    const before = known.get(taskId);
    if (before === undefined) known.set(taskId, [{ round, right, attempts }]);
    else before.push({ round, right, attempts });
  }
  return ids.map((id) => ({ id, cluster: ofTask.get(id) ?? null, tries: known.get(id) ?? [] }));
}

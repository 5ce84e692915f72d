import type { Observation, TaskSeen } from "../../core/policy.js";
import { randomFrom } from "../../core/random.js";
import { nothingToSay, type Rule } from "../rule.js";

/** Of what older rounds saw, this much counts for each round that has gone by. */
const decay = 0.7;
/** Attempts that the prior of a task's cluster counts for. */
const strength = 2;
/** Chances of success between which a task teaches something. */
const [tooHard, tooEasy] = [0.1, 0.9];
/** Share of a round for tasks that seem too hard: they may not be any more. */
const exploration = 0.15;
/** What a task counts whose right answer is known: another one teaches less. */
const known = 0.25;

/** What the rate of the nearest cluster counts for a task that was not tried, against that of all: it is a guess. */
const kinship = 0.5;
/** How much more a task counts whose failures grow or have come back: no more, since one state may be an accident. */
const rising = 1.5;

/** A task with the chance that an attempt at it is right. */
export interface Estimate {
  readonly id: string;
  readonly chance: number;
  readonly solved: boolean;
  /** Its cluster, or the one that it is near, is growing or relapsed. */
  readonly rising: boolean;
}

/**
 * Takes up training tasks at which the teacher sometimes succeeds. Each is drawn with the weight p (1 - p) of its chance
 * p, the variance of its success: so the round's tasks get harder as the student does better, which is the curriculum
 * (ProCuRL, Tzannetos et al. 2023; "No Regrets", Rutherford et al. 2024; after Florensa et al. 2018). Solved tasks count
 * less, those of growing and relapsed clusters 1.5 times as much, since there the student loses ground; tasks beyond the
 * bounds are left out but for a share of too hard ones. Drawn by lot without replacement
 * (Efraimidis and Spirakis 2006), so that the same seed draws the same.
 */
export const learnableTasks: Rule = (observation, settings) => {
  const { tasks, seed } = observation;
  const size = Number(settings["elicit.tasksPerRound"]);
  const tried = tasks.filter(({ tries }) => tries.length > 0).length;
  if (tried === 0 || size >= tasks.length) return nothingToSay;
  const estimates = estimateChances(observation);
  const of = (holds: (chance: number) => boolean) =>
    estimates.filter(({ chance }) => holds(chance));
  const hard = of((chance) => chance < tooHard);
  const easy = of((chance) => chance > tooEasy);
  const learnable = of((chance) => chance >= tooHard && chance <= tooEasy);
  const random = randomFrom(seed);
  const urgency = (each: Estimate) => (each.rising ? rising : 1);
  const drawn = (from: readonly Estimate[], weight: (each: Estimate) => number) =>
    from
      .map((each) => ({ id: each.id, key: -Math.log(1 - random()) / weight(each) }))
      .sort((a, b) => a.key - b.key)
      .map(({ id }) => id);
  const [some, hardest, easiest] = [
    drawn(
      learnable,
      (each) => each.chance * (1 - each.chance) * (each.solved ? known : 1) * urgency(each),
    ),
    drawn(hard, urgency),
    drawn(easy, ({ chance }) => 1 - chance),
  ];
  const explored = hardest.slice(0, Math.round(size * exploration));
  const first = some.slice(0, size - explored.length);
  // Where there are too few of them, what is left: the harder ones first.
  const rest = [...hardest.slice(explored.length), ...easiest];
  const chosen = [...first, ...explored, ...rest].slice(0, size);
  const mean = first.length === 0 ? 0 : meanChance(estimates, first);
  const urgent = estimates.filter((each) => each.rising).length;
  const saw = {
    ...{ learnable: learnable.length, hard: hard.length, easy: easy.length },
    ...{ untried: tasks.length - tried, rising: urgent },
  };
  const preferred =
    urgent === 0 ? "" : `, ${urgent} are of growing or relapsed clusters and count ${rising} times`;
  const because = `${learnable.length} of ${tasks.length} tasks are neither too hard nor too easy, ${hard.length} seem too hard and ${easy.length} too easy${preferred}; those chosen have a mean chance of ${mean.toFixed(2)}`;
  return {
    tasks: chosen,
    decisions: [
      { rule: "learnable-tasks", what: "tasks", from: null, to: chosen.length, because, saw },
    ],
  };
};

/**
 * The chance of an attempt at each task: its decayed successes among its decayed attempts, shrunk to the mean of its
 * cluster, and this to the mean of all (beta-binomial, prior weight `strength`; Gelman et al. 2013, 5.3). A task that was
 * never tried has no cluster: it gets the mean of all, and half of what the cluster that it is near differs from that. One
 * try of its own takes the place of this guess.
 */
export function estimateChances({ tasks, round, clusters }: Observation): Estimate[] {
  const counts = tasks.map((task) => decayed(task, round));
  const overall = shrunk(total(counts), 0.5);
  const groups = new Map<string | null, Counts[]>();
  for (const [i, { cluster }] of tasks.entries()) {
    const group = groups.get(cluster);
    if (group === undefined) groups.set(cluster, [counts[i]!]);
    else group.push(counts[i]!);
  }
  const rates = new Map(
    [...groups].map(([cluster, own]) => [cluster, shrunk(total(own), overall)]),
  );
  const priorOf = ({ cluster, near, tries }: TaskSeen) => {
    if (cluster !== null) return rates.get(cluster)!;
    if (near === undefined || tries.length > 0) return overall;
    return overall + kinship * ((rates.get(near) ?? overall) - overall);
  };
  const states = new Map(clusters.map(({ id, state }) => [id, state]));
  return tasks.map((task, i) => {
    const state = states.get(task.cluster ?? task.near ?? "");
    return {
      id: task.id,
      chance: shrunk(counts[i]!, priorOf(task)),
      solved: task.tries.some(({ right }) => right > 0),
      rising: state === "growing" || state === "relapsed",
    };
  });
}

interface Counts {
  readonly right: number;
  readonly attempts: number;
}

function decayed({ tries }: TaskSeen, round: number): Counts {
  return total(
    tries.map((each) => {
      const weight = decay ** (round - 1 - each.round);
      return { right: each.right * weight, attempts: each.attempts * weight };
    }),
  );
}

function total(counts: readonly Counts[]): Counts {
  let [right, attempts] = [0, 0];
  for (const each of counts) {
    right += each.right;
    attempts += each.attempts;
  }
  return { right, attempts };
}

function shrunk({ right, attempts }: Counts, prior: number): number {
  return (right + strength * prior) / (attempts + strength);
}

function meanChance(estimates: readonly Estimate[], ids: readonly string[]): number {
  const chosen = new Set(ids);
  const own = estimates.filter(({ id }) => chosen.has(id));
  return own.reduce((sum, { chance }) => sum + chance, 0) / own.length;
}

import { randomFrom } from "../../src/core/random.js";

/**
 * A student as the simulator has it. Nothing in it is fitted to a real model: it has the effects that rules are about, at
 * strengths that a night draws by lot, so that a rule is tried where its effect is strong and where it is absent.
 *
 * A task i of cluster c is answered rightly with chance σ(skill_c - difficulty_c - offset_i). Training on right answers
 * raises the skill of their cluster, by its learnability and with diminishing returns, and a part of that in the others.
 */
export interface World {
  readonly clusters: readonly Cluster[];
  readonly train: readonly SimulatedTask[];
  readonly validation: readonly SimulatedTask[];
  readonly gate: readonly SimulatedTask[];
  readonly heldOut: readonly SimulatedTask[];
  /** Logits that exemplars and their like give the teacher. */
  readonly advantage: number;
  /** Share of attempts that are made anew; the others repeat the first one. Falls with each promotion. */
  readonly variety: number;
  readonly varietyLost: number;
  /** Share of retention tasks that one training at the recipe's settings forgets, without rehearsal. */
  readonly forgetting: number;
  /** Exposures (epochs × rate) that a training set of 48 examples bears before it is learned by heart. */
  readonly capacity: number;
  /** Whether going on from the incumbent keeps what it has learned (1) or little of it (0). */
  readonly continuity: number;
}

interface Cluster {
  readonly difficulty: number;
  /** Logits that many examples of it give. */
  readonly learnability: number;
  /** Chances that a revision is right, after a critique and without. */
  readonly mendedWith: number;
  readonly mendedWithout: number;
}

export interface SimulatedTask {
  readonly id: string;
  readonly cluster: number;
  readonly offset: number;
}

/** Weights: skills by cluster, in logits, and the share of the retention suite that is still right. */
export interface Weights {
  readonly skills: readonly number[];
  readonly retained: number;
}

export const base = (world: World): Weights => ({
  skills: world.clusters.map(() => 0),
  retained: 1,
});

const clusterCount = 6;

export function drawWorld(seed: number, sizes: { train: number; validation: number }): World {
  const random = randomFrom(seed);
  const between = (low: number, high: number) => low + random() * (high - low);
  const clusters = Array.from({ length: clusterCount }, () => ({
    // From nearly always right to nearly never.
    difficulty: between(-1.5, 4.5),
    learnability: between(0.2, 3),
    mendedWith: between(0, 0.4),
    mendedWithout: between(0, 0.3),
  }));
  const tasks = (kind: string, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      id: `${kind}-${i}`,
      cluster: Math.floor(random() * clusterCount),
      offset: normal(random) * 0.8,
    }));
  return {
    clusters,
    train: tasks("train", sizes.train),
    validation: tasks("validation", sizes.validation),
    gate: tasks("gate", 200),
    heldOut: tasks("held-out", 400),
    advantage: between(0.3, 1.5),
    variety: between(0.4, 1),
    varietyLost: between(0, 0.3),
    forgetting: between(0, 0.12),
    capacity: between(2, 8),
    continuity: between(0, 1),
  };
}

/** Box and Muller 1958. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function chanceOf(
  world: World,
  { skills }: Weights,
  task: SimulatedTask,
  extra = 0,
): number {
  const { difficulty } = world.clusters[task.cluster]!;
  return 1 / (1 + Math.exp(difficulty + task.offset - extra - skills[task.cluster]!));
}

export interface Training {
  readonly examples: readonly SimulatedTask[];
  readonly from: Weights;
  readonly epochs: number;
  /** Times the recipe's own. */
  readonly rate: number;
  /** The same of the rank. */
  readonly rank: number;
  /** Rehearsed examples for each. */
  readonly replay: number;
}

/** What training came to: new weights, and how much of it is known by heart, from 0 to 1. */
export interface Trained extends Weights {
  readonly heart: number;
}

/** Half of what a cluster can give is learned from so many examples of tasks that the student gets wrong. */
const halfway = 8;
/** Of a cluster's gain this much reaches the others. */
const transfer = 0.2;

export function train(world: World, training: Training): Trained {
  const { examples, from, epochs, rate, rank, replay } = training;
  const exposure = epochs * rate;
  const value = world.clusters.map((_, c) =>
    examples
      .filter(({ cluster }) => cluster === c)
      // What it answers rightly anyway teaches nothing new.
      .reduce((sum, task) => sum + 1 - chanceOf(world, base(world), task), 0),
  );
  const own = value.map((amount, c) => {
    const { learnability } = world.clusters[c]!;
    return (learnability * amount) / (amount + halfway);
  });
  const mean = own.reduce((sum, gain) => sum + gain, 0) / own.length;
  const fit = (1 - Math.exp(-exposure / 1.5)) * Math.min(1.1, 0.8 + 0.2 * rank);
  const capacity = world.capacity * Math.sqrt(Math.max(1, examples.length) / 48);
  const heart = Math.min(1, Math.max(0, exposure / capacity - 1));
  const isNew = from.skills.every((skill) => skill === 0);
  const kept = isNew ? 0 : world.continuity;
  const skills = own.map((gain, c) => {
    const learned = fit * (gain + transfer * mean) * (1 - 0.5 * heart);
    const before = from.skills[c]!;
    // Going on adds to what is there where that is kept; what both know counts once.
    return Math.max(learned, kept * before + learned * (1 - 0.7 * Math.min(1, before / 2)));
  });
  const steps = Math.sqrt(examples.length / 48) * (exposure / 3);
  const lost = (world.forgetting * steps * Math.sqrt(rank)) / (1 + 1.5 * replay);
  return { skills, retained: from.retained * (1 - Math.min(0.9, lost)), heart };
}

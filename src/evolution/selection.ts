import { seedFor } from "../core/hash.js";
import { randomFrom, shuffled } from "../core/random.js";
import { type Fitness, meanFitness } from "./fitness.js";
import { drawParent, type Member, paretoFront } from "./pareto.js";

/** Who is to be improved, and on which tasks that is looked at. */
export interface Mating {
  readonly parent: string;
  readonly minibatch: readonly string[];
}

/**
 * Parents and minibatches of a generation: each child has its own draw, by seed, generation and place alone.
 *
 * @param pool In the order in which they entered.
 */
export function matings(
  pool: readonly Member[],
  tasks: readonly string[],
  plan: { seed: number; generation: number; children: number; minibatch: number },
): Mating[] {
  const { seed, generation, children, minibatch } = plan;
  const front = paretoFront(pool, tasks);
  return Array.from({ length: children }, (_, child) => {
    const seedOf = (what: string) => seedFor(seed, "evolve", what, generation, child);
    return {
      parent: drawParent(front, randomFrom(seedOf("parent"))),
      minibatch: shuffled(tasks, seedOf("minibatch")).slice(0, minibatch),
    };
  });
}

/** Whether a child may enter the pool: more fitness than its parent on the minibatch, not as much. */
export function beatsParent(
  child: Fitness,
  parent: Fitness,
  minibatch: readonly string[],
): boolean {
  return meanFitness(child, minibatch) > meanFitness(parent, minibatch);
}

/**
 * Bred prompts that go on to the proof: those with a higher mean over the breeding tasks than the ancestor, best
 * first, the earlier one first where they are equal. None, where nothing is better.
 *
 * @param pool The ancestor first, then in the order in which they entered.
 */
export function finalistsOf(
  pool: readonly Member[],
  tasks: readonly string[],
  most: number,
): string[] {
  const [ancestor, ...bred] = pool.map(({ id, fitness }) => ({
    id,
    mean: meanFitness(fitness, tasks),
  }));
  return bred
    .filter(({ mean }) => mean > ancestor!.mean)
    .sort((a, b) => b.mean - a.mean)
    .slice(0, most)
    .map(({ id }) => id);
}

import { type Fitness, meanFitness } from "./fitness.js";

/** A prompt in the pool: tried on all breeding tasks. */
export interface Member {
  readonly id: string;
  readonly fitness: Fitness;
}

/** A parent and on how many tasks it is the best. */
export interface FrontMember {
  readonly id: string;
  readonly best: number;
}

/**
 * The Pareto front over tasks (Agrawal et al. 2025, GEPA, algorithm 2): members that are best on some task, without
 * those that another one makes superfluous, being best wherever they are and somewhere else as well. Of members
 * that are best on the same tasks the one with the higher mean stays, else the earlier one.
 *
 * @param pool In the order in which they entered.
 */
export function paretoFront(pool: readonly Member[], tasks: readonly string[]): FrontMember[] {
  const bestOn = new Map(pool.map(({ id }) => [id, new Set<string>()]));
  for (const task of tasks) {
    const scores = pool.map(({ fitness }) => fitness.get(task) ?? 0);
    const best = Math.max(...scores);
    for (const [at, { id }] of pool.entries()) if (scores[at] === best) bestOn.get(id)!.add(task);
  }
  const mean = new Map(pool.map(({ id, fitness }) => [id, meanFitness(fitness, tasks)]));
  let front = pool.filter(({ id }) => bestOn.get(id)!.size > 0);
  // The weakest are looked at first, so that of two alike the better one stays.
  const weakestFirst = [...front.keys()].sort(
    (a, b) => mean.get(front[a]!.id)! - mean.get(front[b]!.id)! || b - a,
  );
  for (const member of weakestFirst.map((at) => front[at]!)) {
    const others = front.filter((other) => other !== member);
    const covered = [...bestOn.get(member.id)!].every((task) =>
      others.some((other) => bestOn.get(other.id)!.has(task)),
    );
    if (covered && others.length > 0) front = others;
  }
  return front.map(({ id }) => ({ id, best: bestOn.get(id)!.size }));
}

/** A parent from the front, in proportion to the tasks on which it is the best. */
export function drawParent(front: readonly FrontMember[], random: () => number): string {
  const total = front.reduce((sum, { best }) => sum + best, 0);
  let left = random() * total;
  for (const { id, best } of front) {
    left -= best;
    if (left < 0) return id;
  }
  return front.at(-1)!.id;
}

import { type Bag, bagOf, jaccard, shinglesIn, tellingBy } from "../../core/bags.js";
import type { Task } from "../../core/entities.js";
import type { Observation, TaskSeen } from "../../core/policy.js";

/** Tried tasks that each other one is compared with, at most. Ids are hashes: the first ones are a sample without a bias. */
const mostCompared = 512;
/** Most similar tasks that say which cluster an untried one is like. */
const neighbours = 8;
/** Less alike than this, two prompts have a common word by chance. */
const leastAlike = 0.1;

interface Tried extends Pick<TaskSeen, "id" | "cluster"> {
  readonly bag: Bag;
}

/**
 * Tells of each task that was never tried which cluster it is near: that of the 8 tried tasks whose prompts are most like its
 * own, by the sum of their similarities (k nearest neighbours, Cover and Hart 1967; weighted by likeness, Dudani 1976).
 * Tasks that never failed vote as one group, so that what is like an easy task is not taken for one that fails.
 *
 * Prompts are compared as clusters compare them (`core/bags.ts`): shingles without their numbers, weighted by how few
 * training tasks have them. Where all tasks are written alike nothing tells them apart, and none is near a cluster.
 * Costs about 512 comparisons for an untried task.
 *
 * @param train All training tasks of the run.
 */
export function withKin(observation: Observation, train: readonly Task[]): Observation {
  const telling = tellingBy(train.map(({ prompt }) => prompt));
  const prompts = new Map(train.map(({ id, prompt }) => [id, prompt]));
  const bagFor = (id: string) => bagOf(shinglesIn(prompts.get(id) ?? ""), telling);
  const tried = observation.tasks
    .filter(({ tries }) => tries.length > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, mostCompared)
    .map(({ id, cluster }): Tried => ({ id, cluster, bag: bagFor(id) }));
  if (tried.every(({ cluster }) => cluster === null)) return observation;
  const tasks = observation.tasks.map((task) => {
    if (task.tries.length > 0) return task;
    const near = clusterNear(bagFor(task.id), tried);
    return near === undefined ? task : { ...task, near };
  });
  return { ...observation, tasks };
}

/** The cluster of the most similar tasks, null for those that never failed; undefined where none is similar. */
function clusterNear(bag: Bag, tried: readonly Tried[]): string | null | undefined {
  if (bag.total === 0) return undefined;
  const votes = new Map<string | null, number>();
  const nearest = tried
    .map((other) => ({ cluster: other.cluster, likeness: jaccard(bag, other.bag) }))
    .filter(({ likeness }) => likeness >= leastAlike)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, neighbours);
  for (const { cluster, likeness } of nearest) {
    votes.set(cluster, (votes.get(cluster) ?? 0) + likeness);
  }
  // Of equals the one whose task came first, by similarity and then by id.
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

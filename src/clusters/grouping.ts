import { type Features, similarityOf } from "./features.js";

/** Failures at least as similar as this to a leader are of its cluster; measured in bench/clusters.ts. */
export const likeness = 0.4;

/** Tasks whose failures make a cluster: attempts at one task are alike, and say nothing of any other. */
export const leastTasks = 2;

/** Clusters of wrong answers that a run has at most; the rest is `other`. */
export const mostClusters = 48;

/** Failures of a reason that are compared each with each in one pass. */
const sampleSize = 256;

/** A failure that founds a cluster. */
export interface Founder {
  readonly leader: Features;
  /** Failures of this round that are of it, the leader among them. */
  readonly support: number;
}

export interface Grouping {
  /** Failure → the failure that leads its cluster, known or new; null: the rest. */
  readonly leaderOf: ReadonlyMap<string, string | null>;
  readonly born: readonly Founder[];
}

/**
 * Puts the failures of a round into the clusters that there are, and finds new ones.
 *
 * A cluster is a leader and what resembles it (leader clustering, Hartigan 1975, ch. 3). The leader is an attempt and never
 * changes, so that a cluster is the same in every round and does not drift. A failure joins the most similar leader of its
 * own reason, from `likeness` on. Of those that resemble none, new leaders are the ones with the most neighbours, each
 * taking its neighbours away (Butina 1999, sphere exclusion). The largest new clusters are taken, while there is room.
 *
 * The order of the input does not matter: ties go by id. The order of rounds does: what came first leads.
 *
 * Cost: n failures against c leaders, and n/256 passes of 256²/2 comparisons where nothing is known yet; so about
 * n·(c + 128) comparisons at most. Limits: in passes of 256, a mistake that fewer than about 1 in 128 of a reason's new
 * failures share may be missed; a cluster is a sphere, so that a mistake said in very different words is two; no cluster is
 * ever split or merged.
 *
 * @param failures wrong attempts of one round.
 * @param leaders of the clusters that there are, oldest first.
 */
export function groupFailures(
  failures: readonly Features[],
  leaders: readonly Features[],
): Grouping {
  const leaderOf = new Map<string, string | null>();
  const byKey = new Map<string, Features[]>();
  const known = grouped(leaders);
  for (const failure of [...failures].sort(byId)) {
    const leader = nearest(failure, known.get(failure.key) ?? []);
    leaderOf.set(failure.id, leader?.id ?? null);
    if (leader === null) push(byKey, failure.key, failure);
  }
  const room = Math.max(0, mostClusters - leaders.length);
  const born = [...byKey.values()]
    .flatMap((same) => founders(same, room))
    .sort((a, b) => b.support - a.support || byId(a.leader, b.leader))
    .slice(0, room);
  const fresh = grouped(born.map(({ leader }) => leader));
  for (const failure of [...byKey.values()].flat()) {
    leaderOf.set(failure.id, nearest(failure, fresh.get(failure.key) ?? [])?.id ?? null);
  }
  return { leaderOf, born };
}

/** The leader that a failure resembles most; the oldest of equals, null where it resembles none. */
function nearest(failure: Features, leaders: readonly Features[]): Features | null {
  let best: Features | null = null;
  let most = likeness;
  for (const leader of leaders) {
    const similarity = similarityOf(failure, leader);
    if (similarity < most || (best !== null && similarity === most)) continue;
    [best, most] = [leader, similarity];
  }
  return best;
}

/** New leaders among failures of one reason, in the order of their ids. */
function founders(failures: readonly Features[], room: number): Founder[] {
  const found: Founder[] = [];
  let left = failures;
  while (left.length >= leastTasks && found.length < room) {
    // Ids are hashes: the first ones are a sample without a bias.
    const sample = left.slice(0, sampleSize);
    const leaders = densest(sample);
    const counts = new Map(leaders.map((leader) => [leader.id, 0]));
    const rest: Features[] = [];
    for (const failure of left) {
      const leader = nearest(failure, leaders);
      if (leader === null) rest.push(failure);
      else counts.set(leader.id, counts.get(leader.id)! + 1);
    }
    found.push(...leaders.map((leader) => ({ leader, support: counts.get(leader.id)! })));
    // Those of the sample that resembled nothing in it are not looked at again.
    const seen = new Set(sample.map(({ id }) => id));
    left = rest.filter(({ id }) => !seen.has(id));
  }
  return found;
}

/** Leaders of a sample: again and again the failure with the most neighbours that are not taken. */
function densest(sample: readonly Features[]): Features[] {
  const neighbours = sample.map((): number[] => []);
  for (let i = 0; i < sample.length; i++) {
    for (let j = 0; j < i; j++) {
      if (similarityOf(sample[i]!, sample[j]!) < likeness) continue;
      neighbours[i]!.push(j);
      neighbours[j]!.push(i);
    }
  }
  const open = new Set(sample.keys());
  const leaders: Features[] = [];
  for (;;) {
    let [best, most] = [-1, 0];
    for (const i of open) {
      const own = neighbours[i]!.filter((j) => open.has(j));
      if (own.length > most && areOfMany(sample, i, own)) [best, most] = [i, own.length];
    }
    if (best === -1) return leaders;
    leaders.push(sample[best]!);
    open.delete(best);
    for (const j of neighbours[best]!) open.delete(j);
  }
}

/** Whether a failure and its neighbours are of enough tasks to found a cluster. */
function areOfMany(
  sample: readonly Features[],
  own: number,
  neighbours: readonly number[],
): boolean {
  const tasks = new Set([own, ...neighbours].map((i) => sample[i]!.taskId));
  return tasks.size >= leastTasks;
}

function grouped(features: readonly Features[]): Map<string, Features[]> {
  const groups = new Map<string, Features[]>();
  for (const each of features) push(groups, each.key, each);
  return groups;
}

function push<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}

function byId(a: Features, b: Features): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

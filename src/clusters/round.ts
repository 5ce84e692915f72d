import type { Telling } from "../core/bags.js";
import {
  type Cluster,
  type ClusterMember,
  type ClusterRows,
  type KnownCluster,
  restIds,
} from "../core/cluster.js";
import { stableId } from "../core/hash.js";
import { type Failure, type Features, featuresOf } from "./features.js";
import { groupFailures } from "./grouping.js";
import { nameByReason } from "./names.js";
import { reasonKey, reasonOf } from "./reason.js";
import { stateAfter } from "./states.js";

/** Reasons for ungradable answers that are told apart in a run; the rest is one group. */
const mostReasons = 16;

/** A round's failures, with what there is to hold them against. */
export interface RoundFailures {
  readonly round: number;
  /** All attempts of the round, right ones too. */
  readonly attempts: number;
  readonly failures: readonly Failure[];
  /** Clusters of the rounds before, oldest first. */
  readonly known: readonly KnownCluster[];
  readonly telling: Telling;
  /** The prompt of a training task; null for any other. */
  promptOf(taskId: string): string | null;
}

/**
 * Clusters of a round: wrong answers by reason and likeness (see `groupFailures`), ungradable ones by reason alone, since
 * they are not wrong. New clusters are named by their reason.
 */
export function clusterRound(round: RoundFailures): ClusterRows {
  const wrong = wrongClusters(round);
  const ungradable = ungradableClusters(round);
  const members = [...wrong.members, ...ungradable.members];
  const rest = restClusters(round, members);
  const born = [...wrong.born, ...ungradable.born, ...rest];
  const counts = new Map<string, number>();
  for (const { clusterId } of members) counts.set(clusterId, (counts.get(clusterId) ?? 0) + 1);
  const histories = [
    ...round.known.map(({ id, sizes }) => ({ id, sizes })),
    ...born.map(({ id }) => ({ id, sizes: [] })),
  ];
  const sizes = histories.map(({ id, sizes: earlier }) => {
    const now = { failures: counts.get(id) ?? 0, attempts: round.attempts };
    return { clusterId: id, round: round.round, ...now, state: stateAfter(earlier, now) };
  });
  return { born, members, sizes };
}

interface Found {
  readonly born: readonly Cluster[];
  readonly members: readonly ClusterMember[];
}

function wrongClusters({ failures, known, telling, promptOf }: RoundFailures): Found {
  const wrong = failures.filter(({ outcome }) => outcome === "wrong");
  const leaders = known.flatMap((cluster) => leaderOf(cluster, telling, promptOf));
  const grouping = groupFailures(
    wrong.map((failure) => featuresOf(failure, telling)),
    leaders,
  );
  const byId = new Map(wrong.map((failure) => [failure.id, failure]));
  const born = grouping.born.map(({ leader }): Cluster => {
    const { verifier, step } = byId.get(leader.id)!;
    const named = { outcome: "wrong", verifier, reason: leader.reason } as const;
    return {
      ...{ id: stableId("cluster", leader.id), ...named, leader: leader.id, step },
      ...{ name: nameByReason(named), namedBy: null },
    };
  });
  const ids = new Map([...known, ...born].map(({ leader, id }) => [leader, id]));
  const members = wrong.map(({ id }) => {
    const leader = grouping.leaderOf.get(id) ?? null;
    return { attemptId: id, clusterId: leader === null ? restIds.wrong : ids.get(leader)! };
  });
  return { born, members };
}

/** The features of a cluster's leader; none where the reason alone makes the cluster. */
function leaderOf(
  { outcome, verifier, leader, lead, step }: KnownCluster,
  telling: Telling,
  promptOf: RoundFailures["promptOf"],
): Features[] {
  const prompt = lead === null ? null : promptOf(lead.taskId);
  if (leader === null || lead === null || prompt === null) return [];
  return [featuresOf({ id: leader, outcome, verifier, ...lead, step, prompt }, telling)];
}

function ungradableClusters({ failures, known }: RoundFailures): Found {
  const ids = new Map(
    known.flatMap((cluster) =>
      cluster.outcome === "ungradable" && cluster.verifier !== ""
        ? [[reasonKey(cluster), cluster.id]]
        : [],
    ),
  );
  const born: Cluster[] = [];
  const members = failures.flatMap((failure): ClusterMember[] => {
    const { id: attemptId, outcome, verifier, finding } = failure;
    if (outcome !== "ungradable") return [];
    const named = { outcome, verifier, reason: reasonOf(finding) };
    const key = reasonKey(named);
    if (!ids.has(key) && ids.size < mostReasons) {
      const id = stableId("cluster", outcome, verifier, named.reason);
      ids.set(key, id);
      const unnamed = { leader: null, step: null, namedBy: null };
      born.push({ id, ...named, ...unnamed, name: nameByReason(named) });
    }
    return [{ attemptId, clusterId: ids.get(key) ?? restIds.ungradable }];
  });
  return { born, members };
}

/** The groups of the rest that have their first members in this round. */
function restClusters({ known }: RoundFailures, members: readonly ClusterMember[]): Cluster[] {
  return (["wrong", "ungradable"] as const).flatMap((outcome) => {
    const id = restIds[outcome];
    const isNew = known.every((cluster) => cluster.id !== id);
    if (!isNew || members.every(({ clusterId }) => clusterId !== id)) return [];
    const named = { outcome, verifier: "", reason: "" };
    const unnamed = { leader: null, step: null, namedBy: null };
    return [{ id, ...named, ...unnamed, name: nameByReason(named) }];
  });
}

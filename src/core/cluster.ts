import { z } from "zod";
import type { Outcome } from "./entities.js";
import type { ClusterSeen, PolicySettings } from "./policy.js";

/** Failures grouped by what went wrong; null: they are not, unless a policy reads them. */
export const clustersSchema = z
  .strictObject({
    /** Whether the model names each group, once; otherwise the verifier's reason is its name. */
    name: z.boolean().default(true),
  })
  .nullable()
  .default(null);

export type ClusterSettings = NonNullable<z.infer<typeof clustersSchema>>;

/** The parts of a recipe that ask for clusters. */
export interface WantsClusters {
  readonly clusters: ClusterSettings | null;
  readonly policy?: PolicySettings | undefined;
}

/** How a recipe's failures are grouped: as it says, and by default where its policy reads groups; null: not at all. */
export function clustersWanted({ clusters, policy }: WantsClusters): ClusterSettings | null {
  const reads = policy !== undefined && policy.kind !== "fixed";
  return clusters ?? (reads ? { name: true } : null);
}

export type ClusterState = ClusterSeen["state"];

/** Not right: wrong, or nothing that a verifier could tell. */
export type FailedOutcome = Exclude<Outcome, "ok">;

/** Groups of what found no group of its own, by outcome. */
export const restIds = { wrong: "other", ungradable: "ungradable" } as const;

/** Attempts that failed in the same way. */
export interface Cluster {
  readonly id: string;
  readonly outcome: FailedOutcome;
  /** The verifier and what it found, with placeholders for numbers and quoted parts; both empty for the rest. */
  readonly verifier: string;
  readonly reason: string;
  /** The attempt that its members resemble; null where the reason alone makes the group. */
  readonly leader: string | null;
  /** The first wrong step of the leader, as its critique named it. */
  readonly step: string | null;
  readonly name: string;
  /** Key of the call that gave the name; null where none did. */
  readonly namedBy: string | null;
}

export interface ClusterMember {
  readonly attemptId: string;
  readonly clusterId: string;
}

/** A cluster in a round. */
export interface ClusterSize {
  readonly round: number;
  readonly failures: number;
  /** All attempts of the round, right ones too. */
  readonly attempts: number;
  readonly state: ClusterState;
}

/** What a round says of clusters: those that are new, its failures' clusters, and the size of every cluster so far. */
export interface ClusterRows {
  readonly born: readonly Cluster[];
  readonly members: readonly ClusterMember[];
  readonly sizes: readonly ({ readonly clusterId: string } & ClusterSize)[];
}

/** A cluster of earlier rounds, with what is needed to find its like again. */
export interface KnownCluster extends Cluster {
  readonly lead: {
    readonly taskId: string;
    readonly finding: string;
    readonly answer: string;
  } | null;
  /** By round, oldest first, from the round of its birth. */
  readonly sizes: readonly ClusterSize[];
}

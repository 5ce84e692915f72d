import type { ClusterSeen } from "../../core/policy.js";
import type { Store } from "../../store/store.js";

/** Failures by what went wrong, as a policy sees them. */
export interface Clusters {
  readonly clusters: readonly ClusterSeen[];
  /** The cluster of a training task's failures, by the task's id. */
  readonly ofTask: ReadonlyMap<string, string>;
}

/** The clusters of a run's failures before a round; none until failures are grouped. */
export function clustersFor(_store: Store, _runId: string, _round: number): Clusters {
  return { clusters: [], ofTask: new Map() };
}

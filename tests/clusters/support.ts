import { clusterRound, type Failure, tellingBy } from "../../src/clusters/index.js";
import type { ClusterRows, ClusterSize, KnownCluster } from "../../src/core/cluster.js";

/** A wrong answer to a sum, unless told otherwise. */
export function failureOf(id: string, changes: Partial<Failure> = {}): Failure {
  return {
    ...{ id, taskId: `task-${id}`, outcome: "wrong", verifier: "numeric", step: null },
    ...{ finding: "The final answer was read as 7, which is not right.", answer: "7" },
    ...{ prompt: "Calculate 3 + 5.", ...changes },
  };
}

/** Goes through rounds as a run does: each with the clusters of those before. */
export class Rounds {
  readonly rows: ClusterRows[] = [];
  private known: KnownCluster[] = [];
  private readonly failures = new Map<string, Failure>();

  /** @param prompts of the training tasks, which all rounds have. */
  constructor(private readonly prompts: readonly string[]) {}

  round(failures: readonly Failure[], attempts = 2 * failures.length): ClusterRows {
    for (const failure of failures) this.failures.set(failure.id, failure);
    const prompts = new Map([...this.failures.values()].map((f) => [f.taskId, f.prompt]));
    const rows = clusterRound({
      ...{ round: this.rows.length + 1, failures, attempts, known: this.known },
      telling: tellingBy(this.prompts),
      promptOf: (taskId) => prompts.get(taskId) ?? null,
    });
    this.rows.push(rows);
    this.known = [
      ...this.known,
      ...rows.born.map((cluster) => ({
        ...cluster,
        lead: cluster.leader === null ? null : this.failures.get(cluster.leader)!,
        sizes: [],
      })),
    ].map((cluster) => ({ ...cluster, sizes: [...cluster.sizes, ...sizesOf(rows, cluster.id)] }));
    return rows;
  }
}

function sizesOf({ sizes }: ClusterRows, id: string): ClusterSize[] {
  return sizes.flatMap(({ clusterId, ...size }) => (clusterId === id ? [size] : []));
}

/** The cluster of each failure. */
export const groupsOf = ({ members }: ClusterRows): Map<string, string> =>
  new Map(members.map(({ attemptId, clusterId }) => [attemptId, clusterId]));

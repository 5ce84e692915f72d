import type {
  Cluster,
  ClusterMember,
  ClusterRows,
  ClusterSize,
  KnownCluster,
} from "../core/cluster.js";
import type { ClusterSeen } from "../core/policy.js";
import type { Connection } from "./database.js";

/** Rounds in which a task failed whose clusters count as its recent ones. */
const recentRounds = 3;

const columns = `id, outcome, verifier, reason, leader, step, name, named_by AS namedBy`;

/** A failure that shows what a cluster is. */
export interface ClusterExample {
  readonly clusterId: string;
  /** The training task's prompt. */
  readonly task: string;
  readonly answer: string;
  readonly finding: string;
}

/** A failed attempt at a training task, with the critique that was written of it. */
export interface FailureOfTask {
  readonly taskId: string;
  readonly clusterId: string;
  readonly round: number;
  readonly attemptId: string;
  readonly critiqueId: string | null;
}

type Size = { readonly clusterId: string } & ClusterSize;

/** Failures grouped by what went wrong. */
export class ClusterTables {
  constructor(private readonly db: Connection) {}

  /** Call inside a transaction. */
  insert(runId: string, round: number, { born, members, sizes }: ClusterRows): void {
    const cluster = this.db.prepare(
      `INSERT INTO clusters VALUES (@runId, @id, @round, @outcome, @verifier, @reason, @leader, @step,
         @name, @namedBy)`,
    );
    for (const each of born) cluster.run({ runId, round, ...each });
    const member = this.db.prepare("INSERT INTO cluster_members VALUES (?, ?, ?, ?)");
    for (const { attemptId, clusterId } of members) member.run(runId, round, attemptId, clusterId);
    const size = this.db.prepare(
      "INSERT INTO cluster_rounds VALUES (@runId, @round, @clusterId, @failures, @attempts, @state)",
    );
    for (const each of sizes) size.run({ runId, ...each });
  }

  /** What one round said. */
  of(runId: string, round: number): ClusterRows {
    const all = <T>(sql: string) => this.db.prepare<unknown[], T>(sql).all(runId, round);
    return {
      born: all<Cluster>(
        `SELECT ${columns} FROM clusters WHERE run_id = ? AND round = ? ORDER BY rowid`,
      ),
      members: all<ClusterMember>(
        `SELECT attempt_id AS attemptId, cluster_id AS clusterId FROM cluster_members
          WHERE run_id = ? AND round = ? ORDER BY rowid`,
      ),
      sizes: all<Size>(
        `SELECT cluster_id AS clusterId, round, failures, attempts, state FROM cluster_rounds
          WHERE run_id = ? AND round = ? ORDER BY rowid`,
      ),
    };
  }

  /** The clusters of all rounds before one, oldest first, with their leaders and their sizes. */
  before(runId: string, round: number): KnownCluster[] {
    const sizes = new Map<string, ClusterSize[]>();
    for (const { clusterId, ...size } of this.db
      .prepare<unknown[], Size>(
        `SELECT cluster_id AS clusterId, round, failures, attempts, state FROM cluster_rounds
          WHERE run_id = ? AND round < ? ORDER BY round`,
      )
      .all(runId, round)) {
      const known = sizes.get(clusterId);
      if (known === undefined) sizes.set(clusterId, [size]);
      else known.push(size);
    }
    type Row = Cluster & { taskId: string | null; answer: string; finding: string };
    return this.db
      .prepare<unknown[], Row>(
        `SELECT c.id, c.outcome, c.verifier, reason, leader, step, name, named_by AS namedBy,
                task_id AS taskId, answer, finding
           FROM clusters c
           LEFT JOIN attempts a ON a.run_id = c.run_id AND a.id = leader
           LEFT JOIN verdicts v ON v.run_id = c.run_id AND subject_id = leader
          WHERE c.run_id = ? AND c.round < ? ORDER BY c.rowid`,
      )
      .all(runId, round)
      .map(({ taskId, answer, finding, ...cluster }) => ({
        ...cluster,
        lead: taskId === null ? null : { taskId, answer, finding },
        sizes: sizes.get(cluster.id) ?? [],
      }));
  }

  /** Clusters of wrong answers as a policy sees them before a round; ungradable answers are not wrong. */
  ofRun(runId: string, beforeRound: number): ClusterSeen[] {
    return this.before(runId, beforeRound)
      .filter(({ outcome }) => outcome === "wrong")
      .map(({ id, name, sizes }) => ({
        ...{ id, name, state: sizes.at(-1)!.state },
        sizes: sizes.map(({ round, failures }) => ({ round, failures })),
      }));
  }

  /**
   * The cluster that each task's wrong answers were in most often, in the last 3 rounds before one in which it had any;
   * the later of equals. A task that never failed is absent.
   */
  ofTasks(runId: string, beforeRound: number): Map<string, string> {
    const rows = this.db
      .prepare<unknown[], { taskId: string; clusterId: string }>(
        `WITH failures AS (
           SELECT task_id, cluster_id, m.round,
                  dense_rank() OVER (PARTITION BY task_id ORDER BY m.round DESC) AS age
             FROM cluster_members m
             JOIN attempts a ON a.run_id = m.run_id AND a.id = attempt_id
             JOIN clusters c ON c.run_id = m.run_id AND c.id = cluster_id
            WHERE m.run_id = ? AND m.round < ? AND outcome = 'wrong')
         SELECT task_id AS taskId, cluster_id AS clusterId FROM failures WHERE age <= ?
          GROUP BY task_id, cluster_id
          ORDER BY count(*) DESC, max(round) DESC, cluster_id`,
      )
      .all(runId, beforeRound, recentRounds);
    const clusters = new Map<string, string>();
    for (const { taskId, clusterId } of rows) {
      if (!clusters.has(taskId)) clusters.set(taskId, clusterId);
    }
    return clusters;
  }

  /** Every failed attempt of the rounds before one: those with a critique first, the newest of them first. */
  failures(runId: string, beforeRound: number): FailureOfTask[] {
    return this.db
      .prepare<unknown[], FailureOfTask>(
        `SELECT task_id AS taskId, cluster_id AS clusterId, m.round, attempt_id AS attemptId,
                (SELECT min(c.id) FROM critiques c
                  WHERE c.run_id = m.run_id AND c.attempt_id = m.attempt_id) AS critiqueId
           FROM cluster_members m JOIN attempts a ON a.run_id = m.run_id AND a.id = attempt_id
          WHERE m.run_id = ? AND m.round < ?
          ORDER BY critiqueId IS NULL, m.round DESC, m.rowid`,
      )
      .all(runId, beforeRound);
  }

  /** Of each cluster its leader, or its first member where it has none. */
  examples(runId: string): ClusterExample[] {
    return this.db
      .prepare<[string], ClusterExample>(
        `SELECT c.id AS clusterId, prompt AS task, answer, finding
           FROM clusters c
           JOIN attempts a ON a.run_id = c.run_id AND a.id = ifnull(leader, (
                  SELECT attempt_id FROM cluster_members m
                   WHERE m.run_id = c.run_id AND cluster_id = c.id ORDER BY m.rowid LIMIT 1))
           JOIN tasks t ON t.run_id = c.run_id AND t.id = task_id
           JOIN verdicts v ON v.run_id = c.run_id AND subject_id = a.id
          WHERE c.run_id = ? ORDER BY c.rowid`,
      )
      .all(runId);
  }
}

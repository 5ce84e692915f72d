import type { TaskEvidence } from "../../store/long-term.js";
import type { Store } from "../../store/store.js";

/**
 * The training tasks that a coach's lesson about a cluster was learned from: those that failed in it, each with an attempt
 * and what was said of it, speak for the lesson. All others that failed before were in the coach's view as well, as
 * critiques that its tools show or in the names of clusters: they are named without an attempt, so that a run which measures
 * by one of them is not told the lesson.
 *
 * @param round The round that the coach plans; its failures are not there yet.
 */
export function coachEvidence(
  store: Store,
  runId: string,
  round: number,
  cluster: string | null,
): TaskEvidence[] {
  const failures = store.clusters.failures(runId, round);
  const evidence = new Map<string, TaskEvidence>();
  for (const { taskId, clusterId, round: failedIn, attemptId, critiqueId } of failures) {
    if (clusterId !== cluster || evidence.has(taskId)) continue;
    const said = { attemptId, critiqueId, revisionId: null };
    evidence.set(taskId, { round: failedIn, taskId, ...said });
  }
  for (const { taskId, round: failedIn } of failures) {
    if (evidence.has(taskId)) continue;
    const unsaid = { attemptId: null, critiqueId: null, revisionId: null };
    evidence.set(taskId, { round: failedIn, taskId, ...unsaid });
  }
  return [...evidence.values()];
}

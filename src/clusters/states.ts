import type { ClusterSize, ClusterState } from "../core/cluster.js";
import { exactInterval } from "../stats/index.js";

/** Rounds before this one whose figures are taken together. */
const window = 3;
/** After so many rounds without a failure a cluster is gone, however rare it was. */
const quietRounds = 2;
/** Failures by which a cluster that was gone is back; one may be an accident. */
const leastBack = 2;

type Size = Pick<ClusterSize, "failures" | "attempts">;

/**
 * What has become of a cluster after a round.
 *
 * Failures per attempt are compared, not failures, so that more attempts are no growth: this round against the last 3
 * before it, since the cluster was born or relapsed. It grows or shrinks where that is no accident: of the failures of
 * both, the share that is this round's has an exact 95% interval (Clopper and Pearson 1934) which does not hold the share of
 * the attempts that is this round's (the conditional test of two rates, Przyborowski and Wilenski 1940). Else it is steady.
 * It is gone after 2 rounds without a failure, or after 1 where its earlier rate makes that no accident; and relapsed when 2
 * failures or more come back.
 *
 * Limits: attempts at one task are more alike than the test supposes, and other tasks may be taken up in another round; both
 * make changes look surer than they are.
 *
 * @param earlier from the round of its birth, oldest first; empty in that round.
 */
export function stateAfter(earlier: readonly ClusterSize[], now: Size): ClusterState {
  const last = earlier.at(-1);
  if (last === undefined) return "born";
  if (now.attempts === 0) return last.state;
  if (last.state === "gone") return now.failures >= leastBack ? "relapsed" : "gone";
  const history = sinceBirth(earlier.filter(({ attempts }) => attempts > 0));
  if (now.failures > 0) {
    return { "1": "growing", "0": "steady", "-1": "shrinking" }[
      changeOf(pooled(history.slice(-window)), now)
    ] as ClusterState;
  }
  const busy = history.findLastIndex(({ failures }) => failures > 0);
  const quiet = [...history.slice(busy + 1), now];
  const before = pooled(history.slice(0, busy + 1).slice(-window));
  return quiet.length >= quietRounds || changeOf(before, pooled(quiet)) === -1 ? "gone" : "steady";
}

/** The rounds since a cluster was born, or came back. */
function sinceBirth(sizes: readonly ClusterSize[]): readonly ClusterSize[] {
  return sizes.slice(sizes.findLastIndex(({ state }) => state === "born" || state === "relapsed"));
}

/** 1 for a rate that is higher than before, -1 for a lower one, 0 where it may be the same. */
function changeOf(before: Size, now: Size): -1 | 0 | 1 {
  const { low, high } = exactInterval(now.failures, before.failures + now.failures);
  const share = now.attempts / (before.attempts + now.attempts);
  return low > share ? 1 : high < share ? -1 : 0;
}

function pooled(sizes: readonly Size[]): Size {
  return {
    failures: sizes.reduce((sum, { failures }) => sum + failures, 0),
    attempts: sizes.reduce((sum, { attempts }) => sum + attempts, 0),
  };
}

import { describe, expect, it } from "vitest";
import { stateAfter } from "../../src/clusters/states.js";
import type { ClusterSize, ClusterState } from "../../src/core/cluster.js";

/** States of a cluster with so many failures in each round, of 100 attempts unless told otherwise. */
function states(failures: readonly number[], attempts: readonly number[] = []): ClusterState[] {
  const sizes: ClusterSize[] = [];
  for (const [index, count] of failures.entries()) {
    const now = { failures: count, attempts: attempts[index] ?? 100 };
    sizes.push({ round: index + 1, ...now, state: stateAfter(sizes, now) });
  }
  return sizes.map(({ state }) => state);
}

describe("the state of a cluster", () => {
  it.each<[string, number[], ClusterState[]]>([
    [
      "grows and shrinks",
      [10, 12, 30, 26, 5],
      ["born", "steady", "growing", "steady", "shrinking"],
    ],
    [
      "is steady where few failures tell nothing",
      [2, 4, 1, 3],
      ["born", "steady", "steady", "steady"],
    ],
    ["is gone at once where it was large", [20, 0], ["born", "gone"]],
    [
      "is gone after two quiet rounds where it was small",
      [2, 0, 0, 0],
      ["born", "steady", "gone", "gone"],
    ],
    ["stays gone with a single failure", [20, 0, 1, 0], ["born", "gone", "gone", "gone"]],
    ["relapses", [20, 0, 6, 7, 0], ["born", "gone", "relapsed", "steady", "gone"]],
    ["relapses twice", [20, 0, 9, 0, 9], ["born", "gone", "relapsed", "gone", "relapsed"]],
  ])("%s", (_what, failures, expected) => {
    expect(states(failures)).toEqual(expected);
  });

  it("is of failures per attempt: more attempts are no growth, fewer no decline", () => {
    expect(states([10, 40], [100, 400])).toEqual(["born", "steady"]);
    expect(states([40, 10], [400, 100])).toEqual(["born", "steady"]);
    expect(states([10, 40], [100, 100])).toEqual(["born", "growing"]);
    expect(states([20, 20], [100, 400])).toEqual(["born", "shrinking"]);
  });

  it("is as it was after a round without attempts", () => {
    expect(states([20, 0, 0, 0], [100, 0, 0, 100])).toEqual(["born", "born", "born", "gone"]);
  });

  it("is steady nearly always where nothing changes", () => {
    // 40 rounds of 200 attempts at a rate of 0.05, by a fixed sequence with that mean.
    const failures = Array.from(
      { length: 40 },
      (_, i) => 10 + [0, 3, -2, 1, -4, 2, 0, -1, 4, -3][i % 10]!,
    );
    const seen = states(
      failures,
      failures.map(() => 200),
    ).slice(1);
    expect(seen.every((state) => state === "steady")).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import {
  adjustedRandIndex,
  mistakes,
  plantedFailures,
} from "../../bench/support/planted-failures.js";
import { mostClusters } from "../../src/clusters/grouping.js";
import { restIds } from "../../src/core/cluster.js";
import { shuffled } from "../../src/core/random.js";
import { failureOf, groupsOf, Rounds } from "./support.js";

const sizes = (groups: Map<string, string>) => {
  const counts = new Map<string, number>();
  for (const id of groups.values()) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
};

describe("groups of failures", () => {
  it.each([1, 2, 3])("are the planted mistakes (seed %i)", (seed) => {
    const { failures, truth, prompts } = plantedFailures(400, seed);
    const found = groupsOf(new Rounds(prompts).round(failures));
    expect(adjustedRandIndex(truth, found)).toBeGreaterThan(0.9);
  });

  it.each([1, 2, 3])("lose no more to disguised failures than those alone (seed %i)", (seed) => {
    const { failures, truth, disguised, prompts } = plantedFailures(400, seed, 0.15);
    expect(disguised.size).toBeGreaterThan(10);
    // What a grouping comes to that puts each of these where it looks to belong, and is right of all others.
    const bound = adjustedRandIndex(truth, new Map([...truth, ...disguised]));
    expect(bound).toBeLessThan(0.95);
    const found = groupsOf(new Rounds(prompts).round(failures));
    expect(adjustedRandIndex(truth, found)).toBeGreaterThan(bound - 0.05);
  });

  it("do not depend on the order of the failures", () => {
    const { failures, prompts } = plantedFailures(300, 4, 0.1);
    const expected = new Rounds(prompts).round(failures);
    for (const seed of [1, 2, 3]) {
      const again = new Rounds(prompts).round(shuffled(failures, seed));
      expect(again.born).toEqual(expected.born);
      expect(groupsOf(again)).toEqual(
        new Map([...groupsOf(again).keys()].map((id) => [id, groupsOf(expected).get(id)])),
      );
      expect(again.sizes).toEqual(expected.sizes);
    }
  });

  it("are the same in every round", () => {
    const made = [5, 6, 7].map((seed) => plantedFailures(200, seed));
    const rounds = new Rounds(made.flatMap(({ prompts }) => prompts));
    const names = made.map(({ failures, truth }) => {
      const groups = groupsOf(rounds.round(failures));
      // The mistake that most members of each group made.
      const votes = new Map<string, Map<string, number>>();
      for (const [id, cluster] of groups) {
        const counts = votes.get(cluster) ?? new Map<string, number>();
        votes.set(cluster, counts.set(truth.get(id)!, (counts.get(truth.get(id)!) ?? 0) + 1));
      }
      return new Map(
        [...votes].map(([id, counts]) => [id, [...counts].sort((a, b) => b[1] - a[1])[0]![0]]),
      );
    });
    const [first, ...later] = names;
    expect(new Set(first!.values()).size).toBe(mistakes.length);
    for (const round of later) {
      for (const [id, mistake] of round) {
        if (first!.has(id) && id !== restIds.wrong) expect(mistake).toBe(first!.get(id));
      }
      const kept = [...round.keys()].filter((id) => first!.has(id)).length;
      expect(kept).toBeGreaterThanOrEqual(mistakes.length);
    }
    // What is known is not found again.
    expect(
      rounds.rows
        .slice(1)
        .map(({ born }) => born.length)
        .every((born) => born <= 1),
    ).toBe(true);
  });

  it("are new where nothing known is like them", () => {
    const rounds = new Rounds([]);
    const one = ["a", "b", "c"].map((id) => failureOf(id, { step: "The carry was lost." }));
    const first = rounds.round(one);
    expect(first.born).toHaveLength(1);
    const other = ["d", "e"].map((id) =>
      failureOf(id, { step: "Subtracted in place of dividing.", prompt: "What is 9 / 3?" }),
    );
    const second = rounds.round([...other, failureOf("f", { step: "The carry was lost." })]);
    expect(second.born).toHaveLength(1);
    expect(groupsOf(second).get("f")).toBe(first.born[0]!.id);
    expect(new Set(["d", "e"].map((id) => groupsOf(second).get(id)))).toEqual(
      new Set([second.born[0]!.id]),
    );
  });

  it("have one reason each, whatever their texts", () => {
    const rows = new Rounds([]).round([
      ...["a", "b"].map((id) => failureOf(id)),
      ...["c", "d"].map((id) => failureOf(id, { finding: "The answer holds two numbers." })),
      ...["e", "f"].map((id) => failureOf(id, { verifier: "exact" })),
    ]);
    expect(sizes(groupsOf(rows))).toEqual([2, 2, 2]);
    expect(rows.born.map(({ reason }) => reason).sort()).toEqual([
      "The answer holds two numbers.",
      "The final answer was read as #, which is not right.",
      "The final answer was read as #, which is not right.",
    ]);
  });

  it("are of more than one task", () => {
    const rounds = new Rounds([]);
    const step = "The carry was lost.";
    const alone = ["a", "b", "c"].map((id) => failureOf(id, { step, taskId: "one" }));
    const first = rounds.round(alone);
    expect(new Set(groupsOf(first).values())).toEqual(new Set([restIds.wrong]));
    const second = rounds.round([...alone, failureOf("d", { step, taskId: "another" })]);
    expect(second.born.map(({ step }) => step)).toEqual([step]);
    expect(sizes(groupsOf(second))).toEqual([4]);
  });

  it("tell by which operation a wrong number was made of its task's", () => {
    const of = (id: string, prompt: string, read: string) =>
      failureOf(id, {
        prompt,
        finding: `The final answer was read as ${read}, which is not right.`,
      });
    const rows = new Rounds([]).round([
      of("a", "Tom had 9 pens and lost 4. How many are left?", "13"),
      of("b", "A shelf is 120 cm long, and 35 cm are sawn off. Its length?", "155"),
      of("c", "Ann has 9 cats and 4 of them sleep. How many are awake?", "36"),
      of("d", "There are 12 cakes for 3 people. How many has each?", "36"),
      of("e", "Of 50 seats 8 are free. How many are taken?", "7"),
    ]);
    const groups = groupsOf(rows);
    expect(groups.get("b")).toBe(groups.get("a"));
    expect(groups.get("d")).toBe(groups.get("c"));
    expect(new Set(groups.values()).size).toBe(3);
    expect(groups.get("e")).toBe(restIds.wrong);
    expect(rows.born.map(({ reason }) => reason).sort()).toEqual([
      "",
      "The final answer was read as #, which is not right; it is the product of two of the task's numbers.",
      "The final answer was read as #, which is not right; it is the sum of two of the task's numbers.",
    ]);
  });

  it("leave what is alone among the rest", () => {
    const rows = new Rounds([]).round([failureOf("a")]);
    expect(rows.members).toEqual([{ attemptId: "a", clusterId: restIds.wrong }]);
    expect(rows.born).toMatchObject([{ id: restIds.wrong, leader: null, name: "other failures" }]);
  });

  it("are not more than a run may have: the largest are taken", () => {
    const failures = Array.from({ length: mostClusters + 5 }, (_, group) =>
      Array.from({ length: group < 5 ? 2 : 3 }, (_, n) =>
        failureOf(`${group}-${n}`, { finding: `It is ${"x".repeat(group + 1)}.` }),
      ),
    ).flat();
    const rounds = new Rounds([]);
    const rows = rounds.round(failures);
    expect(rows.born.filter(({ leader }) => leader !== null)).toHaveLength(mostClusters);
    const rest = rows.members.filter(({ clusterId }) => clusterId === restIds.wrong);
    expect(rest).toHaveLength(10);
    expect(rest.every(({ attemptId }) => Number(attemptId.split("-")[0]) < 5)).toBe(true);
    const more = ["y", "z"].map((id) => failureOf(id, { finding: "It is new." }));
    expect(rounds.round(more).born).toEqual([]);
  });

  it("keep ungradable answers apart, by reason alone", () => {
    const ungradable = { outcome: "ungradable", verifier: "numeric" } as const;
    const rounds = new Rounds([]);
    const rows = rounds.round([
      failureOf("a", { ...ungradable, finding: "The answer is empty." }),
      failureOf("b", { ...ungradable, finding: "The answer holds no number.", prompt: "Why?" }),
      failureOf("c", { ...ungradable, finding: "The answer holds no number.", answer: "no" }),
      ...["d", "e"].map((id) => failureOf(id, { finding: "The answer holds no number." })),
    ]);
    const groups = groupsOf(rows);
    expect(groups.get("b")).toBe(groups.get("c"));
    expect(new Set(groups.values()).size).toBe(3);
    expect(rows.born.map(({ outcome }) => outcome)).toEqual(["wrong", "ungradable", "ungradable"]);
    const again = rounds.round([
      failureOf("f", { ...ungradable, finding: "The answer is empty." }),
    ]);
    expect(groupsOf(again).get("f")).toBe(groups.get("a"));
  });
});

import { describe, expect, it } from "vitest";
import type { SuiteAnswers } from "../../src/core/round.js";
import { gate } from "../../src/stages/gate.js";
import { adapterNamed, adapterRow, evaluationsOf, inputWith, recipeWith, sums } from "./support.js";

const suites = { gate: sums(40, "gate"), retention: sums(40, "retention") };

/** The first `right` tasks of a suite are right. */
const answers = (
  suite: "gate" | "retention",
  adapter: string | null,
  right: number,
): SuiteAnswers => ({
  suite,
  adapter,
  items: evaluationsOf(suites[suite], (n) => n < right),
});

async function decided(
  evaluations: readonly SuiteAnswers[],
  changes: Record<string, unknown> = {},
  incumbent: string | null = null,
  sha = "cand",
) {
  const { rows, summary } = await gate(
    inputWith({
      recipe: recipeWith({ retention: { path: "unread.jsonl", margin: 0.2 }, ...changes }),
      incumbent: incumbent === null ? null : adapterNamed(incumbent),
      candidate: adapterNamed(sha),
      tasks: suites,
      rows: { candidate: adapterRow(sha), evaluations },
    }),
  );
  expect(summary).toEqual({ decision: rows.decision!.outcome, reason: rows.decision!.reason });
  return rows.decision!;
}

const kept = [answers("retention", null, 40), answers("retention", "cand", 40)];
const better = [answers("gate", null, 10), answers("gate", "cand", 30)];

describe("the gate", () => {
  it("promotes what is better and forgets nothing", async () => {
    const decision = await decided([...better, ...kept]);
    expect(decision.outcome).toBe("promoted");
    expect(decision.gate).toMatchObject({ tasks: 40, gained: 20, lost: 0, difference: 0.5 });
    expect(decision.retention).toMatchObject({ gained: 0, lost: 0 });
    expect(decision.reason).toContain("20 gained, 0 lost");
  });

  it("rejects what is equal, worse or better by too little to be sure", async () => {
    for (const right of [5, 10, 12]) {
      const gateAnswers = [answers("gate", null, 10), answers("gate", "cand", right)];
      const decision = await decided([...gateAnswers, ...kept]);
      expect(decision.outcome).toBe("rejected");
      expect(decision.reason).toContain("not shown to be better");
    }
  });

  it("tests at alpha divided by the planned rounds", async () => {
    // 6 gained of 6: p = 1/64.
    const six = [answers("gate", null, 10), answers("gate", "cand", 16), ...kept];
    const at = (rounds: number) => decided(six, { rounds, gate: { alpha: 0.05 } });
    expect((await at(3)).outcome).toBe("promoted");
    expect((await at(3)).alpha).toBeCloseTo(0.05 / 3, 12);
    expect((await at(4)).outcome).toBe("rejected");
    expect((await at(4)).alpha).toBeCloseTo(0.0125, 12);
  });

  it("compares with the incumbent, not with the base weights", async () => {
    const decision = await decided([...better, ...kept, answers("gate", "inc", 30)], {}, "inc");
    expect(decision.outcome).toBe("rejected");
    expect(decision.gate).toMatchObject({ gained: 0, lost: 0 });
  });

  it("rejects what forgets too much against the base weights, though the incumbent has too", async () => {
    const suitesOfAll = [
      ...[answers("gate", "inc", 10), answers("gate", "cand", 30)],
      ...[answers("retention", null, 40), answers("retention", "inc", 28)],
      answers("retention", "cand", 28),
    ];
    const decision = await decided(suitesOfAll, {}, "inc");
    expect(decision.outcome).toBe("rejected");
    expect(decision.reason).toContain("forgets too much");
    expect(decision.retention).toMatchObject({ lost: 12, difference: -0.3 });
  });

  it("holds the end of the interval against the margin, not the difference", async () => {
    // 4 of 40 lost: -10 points, at worst about -23.
    const retained = [answers("retention", null, 40), answers("retention", "cand", 36)];
    const at = (margin: number) =>
      decided([...better, ...retained], { retention: { path: "unread.jsonl", margin } });
    const strict = await at(0.15);
    expect(strict.outcome).toBe("rejected");
    expect(strict.retention!.difference).toBeGreaterThan(-0.15);
    expect(strict.retention!.low).toBeLessThan(-0.15);
    expect((await at(0.3)).outcome).toBe("promoted");
  });

  describe("with several retention suites", () => {
    // The first 16 tasks are facts, the other 24 are code.
    const named = suites.retention.map((task, i) => ({
      ...task,
      suite: i < 16 ? "facts" : "code",
    }));
    const retained = (wrong: (n: number) => boolean): SuiteAnswers[] => [
      { suite: "retention", adapter: null, items: evaluationsOf(named, () => true) },
      { suite: "retention", adapter: "cand", items: evaluationsOf(named, (n) => !wrong(n)) },
    ];
    const at = async (
      answered: readonly SuiteAnswers[],
      margins: [number, number],
      gateAnswers = better,
    ) => {
      const [facts, code] = margins;
      const retention = {
        margin: facts,
        suites: [
          { name: "facts", path: "unread.jsonl" },
          { name: "code", path: "unread-too.jsonl", margin: code },
        ],
      };
      const { rows } = await gate(
        inputWith({
          recipe: recipeWith({ retention }),
          candidate: adapterNamed("cand"),
          tasks: { gate: suites.gate, retention: named },
          rows: { candidate: adapterRow("cand"), evaluations: [...gateAnswers, ...answered] },
        }),
      );
      return rows.decision!;
    };

    it("promotes where each interval ends within its own margin, and keeps them all", async () => {
      // 2 of 24 lost: at worst about -26 points, which the margin of facts would not allow.
      const decision = await at(
        retained((n) => n >= 38),
        [0.25, 0.3],
      );
      expect(decision.outcome).toBe("promoted");
      expect(decision.retention).toBeNull();
      expect(decision.retentionSuites).toMatchObject([
        { name: "facts", margin: 0.25, comparison: { tasks: 16, lost: 0 } },
        { name: "code", margin: 0.3, comparison: { tasks: 24, lost: 2 } },
      ]);
      expect(decision.retentionSuites![1]!.comparison.low).toBeLessThan(-0.25);
      expect(decision.reason).toMatch(
        /retention \(facts\) \+0\.0 points, at worst -\S+ \(margin -25\.0\); retention \(code\) -8\.3 points/,
      );
    });

    it("rejects by the name of the one that fails, though all tasks together would pass", async () => {
      const lost = retained((n) => n < 3);
      const decision = await at(lost, [0.25, 0.3]);
      expect(decision.outcome).toBe("rejected");
      expect(decision.reason).toMatch(/^forgets too much of facts: gate /);
      const together = await decided([...better, ...lost], {
        retention: { path: "x", margin: 0.25 },
      });
      expect(together.outcome).toBe("promoted");
    });

    it("names both where both fail, and none where the gate suite decided", async () => {
      const all = retained((n) => n % 2 === 0);
      expect((await at(all, [0.1, 0.1])).reason).toMatch(/^forgets too much of facts and code: /);
      const worse = [answers("gate", null, 10), answers("gate", "cand", 9)];
      expect((await at(all, [0.1, 0.1], worse)).reason).toMatch(/^not shown to be better: /);
    });

    it("decides nothing where one of them has no answers of the base weights", async () => {
      const partly = retained(() => false).map((each) => ({
        ...each,
        items: each.items.slice(0, 16),
      }));
      await expect(at(partly, [0.5, 0.5])).rejects.toThrow(
        "have not answered the code retention suite",
      );
    });

    it("leaves the decision on one suite as it was, field by field", async () => {
      const decision = await decided([...better, ...kept]);
      expect(Object.keys(decision).sort()).toEqual([
        "alpha",
        "gate",
        "outcome",
        "reason",
        "retention",
      ]);
    });
  });

  it("says nothing of forgetting, and so decides nothing, without the base weights' answers", async () => {
    await expect(decided(better)).rejects.toThrow("have not answered the retention suite");
  });

  it("decides by the gate alone in a recipe without retention", async () => {
    const decision = await decided(better, { retention: null });
    expect(decision.outcome).toBe("promoted");
    expect(decision.retention).toBeNull();
    expect(decision.reason).toContain("no retention suite");
  });

  it("skips a round without a candidate, with retraining's reason", async () => {
    const { rows } = await gate(inputWith({ rows: { noCandidate: "3 examples, 8 needed" } }));
    expect(rows.decision).toMatchObject({ outcome: "skipped", gate: null, retention: null });
    expect(rows.decision!.reason).toContain("3 examples, 8 needed");
    expect(rows.decision!.alpha).toBeCloseTo(0.0125, 12);
  });

  it("does not promote the incumbent's own weights", async () => {
    const same = [answers("gate", "inc", 30), answers("gate", null, 10)];
    const decision = await decided(same, {}, "inc", "inc");
    expect(decision.outcome).toBe("rejected");
    expect(decision.reason).toContain("incumbent's weights");
  });

  it("does not decide on answers to other tasks", async () => {
    const short = { ...better[1]!, items: better[1]!.items.slice(1) };
    await expect(decided([better[0]!, short])).rejects.toThrow("not of the same tasks");
  });
});

import { describe, expect, it } from "vitest";
import {
  exactGate,
  type Gate,
  type Night,
  nightUnder,
  sequentialGate,
  wrongAfterRightOne,
} from "../../bench/support/night.js";
import { randomFrom } from "../../src/core/random.js";

// A small part of `npm run bench:gate`; docs/LOG.md has the figures of the whole.
const night: Night = {
  looks: 8,
  tasks: 200,
  accuracy: 0.6,
  gain: 0,
  correlation: 0.85,
  own: 0.25,
  attempts: 1,
};

function nights(count: number, gates: readonly Gate[], kind: Partial<Night>, alpha = 0.05) {
  const random = randomFrom(20261123);
  return Array.from({ length: count }, () =>
    nightUnder(gates, { ...night, ...kind }, alpha, random),
  );
}

function shareFound(results: ReturnType<typeof nights>, gate: number): number {
  return results.filter((result) => result[gate]!.promotedAt !== null).length / results.length;
}

describe("simulated nights", () => {
  it("have verdicts that correlate as they are told", () => {
    let [tasks, differing, gained] = [0, 0, 0];
    const count: Gate = (differences, _, asked) => {
      tasks += asked;
      for (const difference of differences(1)) {
        differing += Math.abs(difference);
        gained += difference;
      }
      return { promoted: false, tasks: asked };
    };
    nights(300, [count], { correlation: 0.9, gain: 0.05, looks: 1 });
    // By scipy's bivariate normal distribution 14.2% differ.
    expect(differing / tasks).toBeCloseTo(0.142, 2);
    expect(gained / tasks).toBeCloseTo(0.05, 2);
  });

  it("promote a candidate that is no better in at most 5%", () => {
    const results = nights(400, [exactGate, sequentialGate(1), sequentialGate(2)], { attempts: 2 });
    for (const gate of [0, 1, 2]) {
      expect(shareFound(results, gate)).toBeLessThanOrEqual(0.05);
      expect(shareFound(results, gate)).toBeGreaterThan(0);
    }
    const asked = results.reduce((sum, result) => sum + result[1]!.tasksOfFirstLook, 0);
    expect(asked / results.length).toBeLessThan(100);
  });

  it("stay within 5% when a promotion has handed its share on", () => {
    const random = randomFrom(4);
    const improving = { ...night, gain: 0.15 };
    const results = Array.from({ length: 300 }, () =>
      wrongAfterRightOne(sequentialGate(1), improving, 0.05, random),
    );
    expect(results.filter((wrong) => wrong !== null).length).toBeGreaterThan(200);
    expect(results.filter(Boolean).length / results.length).toBeLessThanOrEqual(0.05);
  });

  it("find +5 points at 400 tasks about as often task by task as by the exact test", () => {
    const one = { looks: 1, tasks: 400, gain: 0.05 };
    const results = nights(300, [exactGate, sequentialGate(1)], one, 0.05 / 8);
    const [exact, sequential] = [shareFound(results, 0), shareFound(results, 1)];
    expect(exact).toBeGreaterThan(0.35);
    expect(sequential).toBeGreaterThan(exact - 0.06);
  });

  it("find +5 points at 400 tasks in one look of eight with four attempts a task", () => {
    const one = { looks: 1, tasks: 400, gain: 0.05, attempts: 4 };
    const results = nights(300, [sequentialGate(4)], one, 0.05 / 8);
    expect(shareFound(results, 0)).toBeGreaterThan(0.8);
  });
});

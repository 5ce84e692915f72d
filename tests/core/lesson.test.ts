import { describe, expect, it } from "vitest";
import {
  beyondCap,
  confidence,
  faded,
  halfLife,
  isShown,
  isUnhelpful,
  type LessonCounts,
  type LongTermLesson,
  ranked,
  recency,
  saysTheContrary,
  saysTheSame,
  weakerOf,
} from "../../src/core/lesson.js";
import { heldOutLeaks } from "../../src/core/lesson-leaks.js";
import { regularizedBeta } from "../../src/stats/beta.js";
import { sum } from "../stages/support.js";

const counts = (shown: [number, number], withheld: [number, number], countedAt = 0) =>
  ({
    ...{ shownRight: shown[0], shownTasks: shown[1] },
    ...{ withheldRight: withheld[0], withheldTasks: withheld[1], countedAt },
  }) satisfies LessonCounts;

const untried = counts([0, 0], [0, 0]);

const lesson = (id: string, changes: Partial<LongTermLesson> = {}): LongTermLesson => ({
  ...{ id, family: "sums", cluster: null, text: `Lesson ${id}.`, version: 1 },
  ...{ state: "active", retiredFor: null, reason: null, source: "run" },
  ...{ learnedAt: 0, usedAt: null, counts: untried, tasks: 1 },
  ...changes,
});

/** P(X > Y) for two beta distributions, by the trapezoidal rule. */
function exactConfidence({ shownRight, shownTasks, withheldRight, withheldTasks }: LessonCounts) {
  const steps = 4000;
  let total = 0;
  for (let i = 0; i < steps; i++) {
    const below = (x: number) =>
      regularizedBeta(x, 1 + withheldRight, 1 + withheldTasks - withheldRight);
    const mass = (x: number) => regularizedBeta(x, 1 + shownRight, 1 + shownTasks - shownRight);
    const [from, to] = [i / steps, (i + 1) / steps];
    total += (mass(to) - mass(from)) * below((from + to) / 2);
  }
  return total;
}

describe("the confidence of a lesson", () => {
  it("begins at one half, and moves with what was right with it and without", () => {
    expect(confidence(untried)).toBe(0.5);
    expect(confidence(counts([8, 10], [1, 4]))).toBeGreaterThan(0.9);
    expect(confidence(counts([2, 10], [3, 4]))).toBeLessThan(0.1);
    expect(confidence(counts([5, 10], [2, 4]))).toBeCloseTo(0.5, 1);
  });

  it.each([
    counts([8, 10], [1, 4]),
    counts([3, 12], [2, 4]),
    counts([20, 40], [3, 12]),
    counts([1, 1], [0, 0]),
  ])("is near P(p1 > p0) of the two posteriors: %j", (each) => {
    expect(Math.abs(confidence(each) - exactConfidence(each))).toBeLessThan(0.05);
  });

  it("returns to one half as what was counted fades", () => {
    const sure = counts([8, 10], [1, 4]);
    const later = faded(sure, halfLife);
    expect(later).toEqual(counts([4, 5], [0.5, 2], halfLife));
    expect(confidence(later)).toBeLessThan(confidence(sure));
    expect(confidence(faded(sure, 20 * halfLife))).toBeCloseTo(0.5, 3);
  });

  it("is said to be none only after enough tasks with it and without", () => {
    expect(isUnhelpful({ counts: counts([0, 11], [4, 4]) })).toBe(false);
    expect(isUnhelpful({ counts: counts([0, 12], [3, 3]) })).toBe(false);
    expect(isUnhelpful({ counts: counts([0, 12], [4, 4]) })).toBe(true);
    expect(isUnhelpful({ counts: counts([6, 12], [2, 4]) })).toBe(false);
  });
});

describe("the rank of lessons", () => {
  it("is relevance times confidence times recency; without a common word a quarter is left", () => {
    const near = lesson("near");
    const far = lesson("far");
    const proven = lesson("proven", { counts: counts([39, 40], [0, 12], 8) });
    const order = (relevance: [string, number][]) =>
      ranked([far, proven, near], new Map(relevance), 8).map(({ id }) => id);
    expect(order([["near", 2]])).toEqual(["near", "proven", "far"]);
    expect(
      order([
        ["far", 1],
        ["proven", 1],
      ]),
    ).toEqual(["proven", "far", "near"]);
    const old = lesson("old", { usedAt: 8 - halfLife, learnedAt: 8 - halfLife });
    expect(recency(old, 8)).toBe(0.5);
    expect(ranked([old, lesson("new", { learnedAt: 8 })], new Map(), 8)[0]!.id).toBe("new");
  });

  it("says which one goes first beyond the cap: of equals the one that fewer tasks speak for", () => {
    const three = [lesson("a", { tasks: 2 }), lesson("b"), lesson("c", { tasks: 3 })];
    expect(beyondCap(three, 3, 0)).toBeNull();
    expect(beyondCap(three, 2, 0)!.id).toBe("b");
  });

  it("leaves out one task in four, by lot and always the same", () => {
    const lots = Array.from({ length: 4000 }, (_, n) => isShown(7, 1, `task-${n}`, "lesson"));
    const shown = lots.filter(Boolean).length;
    expect(shown).toBeGreaterThan(2880);
    expect(shown).toBeLessThan(3120);
    expect(isShown(7, 1, "task-0", "lesson")).toBe(lots[0]);
  });
});

describe("two lessons", () => {
  const known = [
    lesson("carry", { text: "Carry the tens into the next column." }),
    lesson("unit", { text: "Never write the unit after the number." }),
  ];

  it("say the same, or the contrary, or neither", () => {
    expect(saysTheSame("carry the tens into the next column", known)!.id).toBe("carry");
    expect(saysTheSame("Always write the unit after the number.", known)).toBeNull();
    expect(saysTheContrary("Always write the unit after the number.", known)).toEqual([known[1]]);
    expect(saysTheContrary("Do not carry the tens into the next column.", known)).toEqual([
      known[0],
    ]);
    expect(saysTheSame("Read the question twice.", known)).toBeNull();
    expect(saysTheContrary("Do not read the question.", known)).toEqual([]);
  });

  it("that contradict each other: the clearly less sure goes, else the one with fewer tasks, else the older", () => {
    const sure = lesson("sure", { counts: counts([9, 10], [0, 4]) });
    expect(weakerOf(sure, lesson("b", { tasks: 9 }), 0).id).toBe("b");
    expect(weakerOf(lesson("a"), lesson("b", { tasks: 2 }), 0).id).toBe("a");
    const alittle = lesson("a", { counts: counts([5, 10], [2.2, 4]), tasks: 2 });
    expect(weakerOf(alittle, lesson("b"), 0).id).toBe("b");
    expect(weakerOf(lesson("a"), lesson("b", { learnedAt: 3 }), 3).id).toBe("a");
  });
});

describe("what could give a held-out task away", () => {
  const held = [sum(1, "gate"), sum(2, "sealed"), sum(3, "retention")];
  const leaksOf = (text: string, ...prompts: string[]) =>
    heldOutLeaks(held, 0.8, [{ id: "l", text, prompts }]).get("l");

  it("is its text, its answer, or that it was learned from one like it", () => {
    expect(leaksOf(held[0]!.prompt)).toBe("it resembles held-out task gate-1");
    expect(
      leaksOf(`Remember: ${held[1]!.prompt} Then look at all of the columns again, one by one.`),
    ).toMatch(/holds/);
    expect(leaksOf(`The answer is ${held[2]!.reference}.`)).toMatch(/holds/);
    expect(leaksOf("Carry the tens.", sum(9).prompt, held[1]!.prompt)).toBe(
      "it was learned from a task like held-out task sealed-2",
    );
    expect(leaksOf("Carry the tens.", sum(9).prompt)).toBeUndefined();
  });

  it.each([
    ["42", "Say 42."],
    ["42", "Say 42"],
    ["42", 'Always answer with "42" when the question names two trains.'],
    ["42", "The answer to such a question is 42 apples."],
    ["42", "If both numbers are odd the sum must be **42**."],
    ["42", "17 + 25 = 42, so carry the one."],
    ["42", "Antwort: 42"],
    ["42", "42"],
    ["7", "Write 7 for the second kind of task."],
    ["-4", "The result is -4."],
    ["no", "Say no."],
    ["b", "Choose option B, whatever the others say."],
  ])("is a short answer, %s, that is given as one: %s", (reference, text) => {
    const short = { ...held[0]!, reference };
    expect([...heldOutLeaks([short], 0.8, [{ id: "l", text, prompts: [] }]).keys()]).toEqual(["l"]);
  });

  it.each([
    ["2", "Check the last 2 digits before you answer."],
    ["2", "Write 2 digits after the point."],
    ["2", "The answer is 2 digits long."],
    ["2", "Step 2: carry the tens, then add the 2 columns."],
    ["2", "Give at least 2 reasons, and the ratio as 1:2."],
    ["2", "The result is 2.5 or 12, never -2."],
    ["42", "Multiply by 42 before you add, and round at the 42nd place."],
    ["no", "Say no word more."],
    ["a", "Write a number, for the answer is a number."],
  ])("is no short answer, %s, in a sentence that does not give it: %s", (reference, text) => {
    const short = { ...held[0]!, reference };
    expect(heldOutLeaks([short], 0.8, [{ id: "l", text, prompts: [] }]).size).toBe(0);
  });

  it("is no label that many tasks have for an answer", () => {
    const labels = held.map((task) => ({ ...task, reference: "yes".slice(0, 2) }));
    const said = [{ id: "l", text: "Say ye.", prompts: [] }];
    expect(heldOutLeaks(labels, 0.8, said).size).toBe(0);
    expect(heldOutLeaks(labels.slice(0, 1), 0.8, said).size).toBe(1);
  });

  it("is no answer that stands in many a sentence", () => {
    const label = { ...held[0]!, reference: "no" };
    expect(
      heldOutLeaks([label], 0.8, [{ id: "l", text: "Say no word more.", prompts: [] }]).size,
    ).toBe(0);
  });
});

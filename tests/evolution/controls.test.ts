import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { type Fitness, meanFitness } from "../../src/evolution/fitness.js";
import { drawParent, type Member, paretoFront } from "../../src/evolution/pareto.js";
import { prove } from "../../src/evolution/prove.js";
import { beatsParent, finalistsOf, matings } from "../../src/evolution/selection.js";

const fitness = (...scores: number[]): Fitness =>
  new Map(scores.map((score, at) => [`t${at}`, score]));
const tasks = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`);

describe("the Pareto front over tasks", () => {
  it("has who is best somewhere, without those that others make superfluous", () => {
    const pool: Member[] = [
      { id: "start", fitness: fitness(1, 0, 0) },
      { id: "a", fitness: fitness(1, 1, 0) },
      { id: "b", fitness: fitness(0, 0, 1) },
      { id: "c", fitness: fitness(0.5, 0.5, 0.5) },
    ];
    expect(paretoFront(pool, tasks(3))).toEqual([
      { id: "a", best: 2 },
      { id: "b", best: 1 },
    ]);
  });

  it("keeps the earlier one of two alike, and always somebody", () => {
    const pool = ["start", "a"].map((id) => ({ id, fitness: fitness(0, 0) }));
    expect(paretoFront(pool, tasks(2))).toEqual([{ id: "start", best: 2 }]);
  });

  it("gives parents in proportion to the tasks on which they are best", () => {
    const random = randomFrom(1);
    const front = [
      { id: "a", best: 3 },
      { id: "b", best: 1 },
    ];
    const drawn = Array.from({ length: 4000 }, () => drawParent(front, random));
    expect(drawn.filter((id) => id === "a").length / 4000).toBeCloseTo(0.75, 1);
  });
});

describe("selection", () => {
  it("wants more than the parent has, not as much", () => {
    expect(beatsParent(fitness(1, 0), fitness(0, 1), ["t0", "t1"])).toBe(false);
    expect(beatsParent(fitness(1, 0), fitness(0, 1), ["t0"])).toBe(true);
  });

  it("has no finalist where nothing is above the ancestor", () => {
    const pool = ["start", "a"].map((id) => ({ id, fitness: fitness(1, 0) }));
    expect(finalistsOf(pool, tasks(2), 3)).toEqual([]);
  });
});

describe("the proof", () => {
  it("counts tasks by who is fitter and adjusts for finalists", () => {
    const before = fitness(...Array(20).fill(0.5));
    const after = fitness(...Array(9).fill(1), 0, ...Array(10).fill(0.5));
    const one = prove(before, [{ id: "a", fitness: after }], 0.05)[0]!;
    expect(one).toMatchObject({ tasks: 20, better: 9, worse: 1, won: true });
    expect(one.p).toBeCloseTo(11 / 1024, 10);
    const five = Array.from({ length: 5 }, (_, at) => ({ id: `c${at}`, fitness: after }));
    expect(prove(before, five, 0.05).every(({ won }) => !won)).toBe(true);
  });
});

/** A search in which each prompt is as good as any other: luck alone makes them differ. */
function searchAmongEquals(seed: number, finalists: number) {
  const random = randomFrom(seed);
  const breed = tasks(30);
  const lucky = (names: readonly string[]): Fitness =>
    new Map(names.map((name) => [name, Math.floor(random() * 3) / 2]));
  const pool: Member[] = [{ id: "start", fitness: lucky(breed) }];
  for (let generation = 1; generation <= 4; generation++) {
    const plan = { seed, generation, children: 4, minibatch: 6 };
    const children = matings(pool, breed, plan).map((mating, at) => ({
      ...mating,
      member: { id: `g${generation}-${at}`, fitness: lucky(breed) },
    }));
    for (const { parent, minibatch, member } of children) {
      const parents = pool.find(({ id }) => id === parent)!.fitness;
      if (beatsParent(member.fitness, parents, minibatch)) pool.push(member);
    }
  }
  const chosen = finalistsOf(pool, breed, finalists);
  const ancestor = lucky(tasks(60));
  const proofs = prove(
    ancestor,
    chosen.map((id) => ({ id, fitness: lucky(tasks(60)) })),
    0.05,
  );
  const bestBred = Math.max(...pool.map((member) => meanFitness(member.fitness, breed)));
  return {
    promoted: proofs.some(({ won }) => won),
    seemsBetter: bestBred > meanFitness(pool[0]!.fitness, breed),
  };
}

describe("searches among prompts that are all alike", () => {
  it.each([1, 4])("promote one in at most alpha of them, with %i finalists", (finalists) => {
    const searches = Array.from({ length: 2000 }, (_, seed) => searchAmongEquals(seed, finalists));
    const share = (of: "promoted" | "seemsBetter") =>
      searches.filter((search) => search[of]).length / searches.length;
    expect(share("promoted")).toBeLessThan(0.05);
    // Not because nothing happens: most searches have a prompt that looks better where it was bred.
    expect(share("promoted")).toBeGreaterThan(0.005);
    expect(share("seemsBetter")).toBeGreaterThan(0.8);
  });
});

import { describe, expect, it } from "vitest";
import { elicit } from "../../src/stages/elicit.js";
import { inputWith, recipeWith, sums } from "./support.js";

async function taken(round: number, recipe = recipeWith({ elicit: { tasksPerRound: 4 } })) {
  const { rows } = await elicit(inputWith({ recipe, round }));
  return rows.elicited!;
}

describe("elicit", () => {
  it("takes turns through the pool: no task twice before each was taken once", async () => {
    const rounds = [...(await taken(1)), ...(await taken(2)), ...(await taken(3))];
    expect(rounds).toHaveLength(12);
    expect(new Set(rounds.slice(0, 10)).size).toBe(10);
  });

  it("goes on from the pool's beginning, in the same order, when it is used up", async () => {
    const [first, third] = [await taken(1), await taken(3)];
    expect(third.slice(2)).toEqual(first.slice(0, 2));
    expect(await taken(6)).toEqual(first);
  });

  it("takes the whole pool in every round with tasksPerRound 0 or more than there are", async () => {
    for (const tasksPerRound of [0, 99]) {
      const recipe = recipeWith({ elicit: { tasksPerRound } });
      for (const round of [1, 2]) {
        const ids = await taken(round, recipe);
        expect(ids.toSorted()).toEqual(
          sums(10)
            .map(({ id }) => id)
            .sort(),
        );
      }
    }
  });

  it("keeps the first tasks back as exemplars", async () => {
    const recipe = recipeWith({ teacher: { exemplars: 3 }, elicit: { tasksPerRound: 5 } });
    const all = new Set((await Promise.all([1, 2, 3].map((r) => taken(r, recipe)))).flat());
    expect(all.size).toBe(7);
    for (const { id } of sums(3)) expect(all).not.toContain(id);
  });

  it("chooses the same for the same seed, and another order for another", async () => {
    const seeded = (seed: number) => recipeWith({ seed });
    expect(await taken(1, seeded(1))).toEqual(await taken(1, seeded(1)));
    expect(await taken(1, seeded(1))).not.toEqual(await taken(1, seeded(2)));
    expect(await taken(1, seeded(1))).not.toEqual(sums(10).map(({ id }) => id));
  });
});

import { expect, it } from "vitest";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";

const tasks = { source: "orders", train: 10, gate: 10 };
const recipe = (retrain: object) => recipeSchema.parse({ name: "a", rounds: 1, tasks, retrain });

it("a recipe that names no training method is the one that it was before there were several", async () => {
  const { method: _method, ...all } = recipe({ epochs: 2 }).retrain;
  const { weighting: _weighting, ...retrain } = { weighting: null, ...all };
  const former = { ...recipe({}), retrain } as unknown as Recipe;
  const now = await fingerprint(recipe({ epochs: 2 }), []);
  expect(now).toBe(await fingerprint(former, []));
  for (const other of [{ epochs: 3 }, { epochs: 2, weighting: "hardness" }, { method: "dpo" }]) {
    expect(await fingerprint(recipe(other), [])).not.toBe(now);
  }
});

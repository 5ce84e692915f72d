import { describe, expect, it } from "vitest";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";

const recipeWith = (changes: object) =>
  recipeSchema.parse({
    name: "small",
    rounds: 2,
    tasks: { source: "orders", train: 10, gate: 10 },
    ...changes,
  });

const withRetrain = (retrain: object) => recipeWith({ retrain });

describe("a recipe's fingerprint", () => {
  it("changes with a setting, but not with those who hear of the run", async () => {
    const notify = [{ kind: "webhook", url: "https://example.org/hook" }];
    const plain = await fingerprint(recipeWith({}), []);
    expect(await fingerprint(recipeWith({ notify }), [])).toBe(plain);
    const trainer = { executor: "ray", sharedFolder: "/mnt/shared" };
    expect(await fingerprint(recipeWith({ trainer }), [])).toBe(plain);
    expect(await fingerprint(recipeWith({ seed: 2 }), [])).not.toBe(plain);
  });

  it("is what it was before there were training methods, for a recipe that names none", async () => {
    const { method: _method, ...all } = withRetrain({ epochs: 2 }).retrain;
    const { weighting: _weighting, ...retrain } = { weighting: null, ...all };
    const former = { ...withRetrain({}), retrain } as unknown as Recipe;
    const now = await fingerprint(withRetrain({ epochs: 2 }), []);
    expect(now).toBe(await fingerprint(former, []));
    for (const other of [{ epochs: 3 }, { epochs: 2, weighting: "hardness" }, { method: "dpo" }]) {
      expect(await fingerprint(withRetrain(other), [])).not.toBe(now);
    }
  });
});

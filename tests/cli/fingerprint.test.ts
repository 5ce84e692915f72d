import { describe, expect, it } from "vitest";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { recipeSchema } from "../../src/core/recipe.js";

const recipeWith = (changes: object) =>
  recipeSchema.parse({
    name: "small",
    rounds: 2,
    tasks: { source: "orders", train: 10, gate: 10 },
    ...changes,
  });

describe("a recipe's fingerprint", () => {
  it("changes with a setting, but not with those who hear of the run", async () => {
    const notify = [{ kind: "webhook", url: "https://example.org/hook" }];
    const plain = await fingerprint(recipeWith({}), []);
    expect(await fingerprint(recipeWith({ notify }), [])).toBe(plain);
    expect(await fingerprint(recipeWith({ seed: 2 }), [])).not.toBe(plain);
  });
});

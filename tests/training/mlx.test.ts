import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { contradictions, recipeSchema } from "../../src/core/recipe.js";
import type { WeightSettings } from "../../src/core/retrain.js";
import { trainingSettings } from "../../src/core/training-settings.js";
import { mlxVersion, requireMlx } from "../../src/training/mlx.js";
import { jobHash } from "../../src/training/train.js";
import { sumsRecipe } from "../support/scripted-run.js";
import { temporaryDirectory } from "./helpers.js";

const worker = (versions: Record<string, string>) => ({
  request: async () => ({ event: "done", versions, executable: "/env/bin/python" }),
});

it("is there, or the run is refused with how to get it", async () => {
  await requireMlx(worker({ torch: "2.15.0", "mlx-lm": mlxVersion }));
  await expect(requireMlx(worker({ torch: "2.15.0" }))).rejects.toMatchObject({
    kind: "setup",
    hint: expect.stringContaining(`--python /env/bin/python mlx-lm==${mlxVersion}`),
  });
  const source = readFileSync("trainer/redistill_trainer/mlx_train.py", "utf8");
  expect(source).toContain(`VERSION = "${mlxVersion}"`);
});

it("imitates; a recipe with another method is refused", async () => {
  const folder = await temporaryDirectory();
  const recipe = sumsRecipe(folder, { retrain: { trainer: "mlx" } });
  expect(trainingSettings(recipe.retrain as WeightSettings)).toMatchObject({
    method: "sft",
    trainer: "mlx",
  });
  expect(contradictions(recipe)).toEqual([]);
  const retrain = { method: "dpo", trainer: "mlx" };
  expect(contradictions(recipeSchema.parse({ ...recipe, retrain }))).toEqual([
    { path: ["retrain", "trainer"], message: expect.stringContaining("set trainer: torch") },
  ]);
});

it("gives other weights than torch, so its jobs have other names", async () => {
  const folder = await temporaryDirectory();
  const hashOf = (trainer: string) => {
    const settings = trainingSettings(
      sumsRecipe(folder, { retrain: { trainer } }).retrain as WeightSettings,
    );
    return jobHash({ ...settings, examples: [], parent: null, seed: 1 }, "0".repeat(64));
  };
  expect(hashOf("mlx")).not.toBe(hashOf("torch"));
  const plain = trainingSettings(sumsRecipe(folder).retrain as WeightSettings);
  expect(plain).not.toHaveProperty("trainer");
});

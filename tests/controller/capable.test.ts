import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { requireCapable } from "../../src/controller/capable.js";
import type { TrainingJob } from "../../src/core/ports.js";
import { recipeWith } from "../stages/support.js";
import { scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

const giving = (topLogprobs: number) => ({
  description: "a model",
  capabilities: { adapters: true, deterministic: true, schema: false, topLogprobs },
});

it("refuses distill with a model that gives no probabilities, or fewer than wanted", () => {
  const recipe = recipeWith({ retrain: { method: "distill" } });
  expect(() => requireCapable(recipe, giving(20))).not.toThrow();
  expect(() => requireCapable(recipe, giving(0))).toThrow("a model gives none");
  expect(() => requireCapable(recipe, giving(5))).toThrow(/topLogprobs is 20; a model gives 5/);
  expect(() => requireCapable(recipeWith(), giving(0))).not.toThrow();
});

it("keeps the probabilities with the call, and trains on them from there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-distill-"));
  const recipe = sumsRecipe(folder, {
    retrain: { method: "distill", topLogprobs: 7 },
    curate: { minimum: 2 },
  });
  const jobs: TrainingJob[] = [];
  const { train } = scriptedTrain(folder);
  const run = await scriptedRun(folder, recipe, {
    train: (job, options) => {
      jobs.push(job);
      return train(job, options);
    },
  });
  await run.work();
  const asked = run.model.ledger.filter(({ request }) => request.topLogprobs === 7);
  const written = (sampled: boolean) =>
    run.model.ledger.filter(({ request }) => request.sampling.temperature > 0 === sampled);
  // Attempts and revisions are asked for them; critiques and evaluations are not.
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThan(written(true).length);
  expect(written(false).every(({ request }) => request.topLogprobs === undefined)).toBe(true);
  for (const example of jobs.flatMap((job) => job.examples)) {
    expect(example).toMatchObject({
      logprobs: [{ token: (example as { completion: string }).completion, logprob: 0 }],
    });
  }
  run.store.close();
});

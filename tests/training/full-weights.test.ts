import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { mergeIn } from "../../src/cli/merge.js";
import { requireTeachable } from "../../src/cli/models.js";
import { trainWithin } from "../../src/controller/train-within.js";
import { sha256 } from "../../src/core/hash.js";
import { modelSchema, rolesSchema } from "../../src/core/model.js";
import { contradictions, type Recipe, recipeSchema } from "../../src/core/recipe.js";
import type { WeightSettings } from "../../src/core/retrain.js";
import { trainingSettings } from "../../src/core/training-settings.js";
import { parseRecipe } from "../../src/recipes/load.js";
import { shareJob } from "../../src/training/ray/shared-folder.js";
import { createTrainer, jobHash } from "../../src/training/train.js";
import { sumsRecipe } from "../support/scripted-run.js";
import { temporaryDirectory } from "./helpers.js";
import { model } from "./jobs.js";

const folder = await temporaryDirectory();
const recipeWith = (retrain: object) => sumsRecipe(folder, { retrain });
const jobOf = (retrain: object) => ({
  ...trainingSettings(recipeWith(retrain).retrain as WeightSettings),
  examples: [{ prompt: "1 + 1 = ", completion: "2" }],
  parent: null,
  seed: 7,
});

it("has a tenth of an adapter's rate, no rank, and says so where one is set", () => {
  for (const method of [
    "sft",
    "dpo",
    "orpo",
    "kto",
    "rrhf",
    "sdft",
    "gkd",
    "sdpo",
    "distill",
    "grpo",
  ]) {
    const [full, lora] = ["full", "lora"].map((weights) => recipeWith({ method, weights }).retrain);
    expect(full).toMatchObject({ weights: "full", rank: undefined, alpha: undefined });
    expect(lora).toMatchObject({ weights: "lora", rank: 8, alpha: 16 });
    const rates = [full, lora].map((each) => (each as WeightSettings).learningRate);
    expect(rates[0]).toBeCloseTo(rates[1]! / 10, 12);
  }
  expect(recipeWith({ weights: "full", learningRate: 3e-5 }).retrain).toMatchObject({
    learningRate: 3e-5,
  });
  for (const [key, also] of [
    ["rank", {}],
    ["alpha", {}],
    ["trainer", { trainer: "mlx" }],
  ] as const) {
    const retrain = { weights: "full", ...also, ...(key === "trainer" ? {} : { [key]: 8 }) };
    expect(contradictions(recipeWith(retrain))).toMatchObject([{ path: ["retrain", key] }]);
  }
  const text =
    "name: a\nrounds: 1\ntasks: {source: orders, train: 8, gate: 8}\nretrain: {weights: full, rank: 4}\n";
  expect(() => parseRecipe(text, "r.yaml")).toThrow(
    /line 4: retrain\.rank: weights: full trains all weights/,
  );
  expect(() => parseRecipe(text.replace("rank", "rnak"), "r.yaml")).toThrow(/retrain\.rnak/);
});

it("comes back from the database as it was, and leaves other runs' fingerprints as they were", async () => {
  for (const retrain of [
    { weights: "full" },
    { weights: "lora" },
    { method: "grpo", reward: "model", weights: "full" },
  ]) {
    const recipe = recipeWith(retrain);
    const again = recipeSchema.parse(JSON.parse(JSON.stringify(recipe)));
    expect(contradictions(again)).toEqual([]);
    expect(sha256(again)).toBe(sha256(recipe));
  }
  const { weights: _weights, ...older } = recipeWith({}).retrain as WeightSettings;
  const prints = await Promise.all(
    [
      recipeWith({}),
      { ...recipeWith({}), retrain: older } as Recipe,
      recipeWith({ weights: "full" }),
    ].map((recipe) => fingerprint(recipe, [])),
  );
  expect(new Set(prints).size).toBe(2);
});

it("leaves the names of adapters' jobs as they were, and has others of its own", () => {
  const lora = jobOf({});
  expect(lora).not.toHaveProperty("weights");
  const names = [lora, jobOf({ weights: "full" }), jobOf({ weights: "full", learningRate: 1e-3 })];
  expect(new Set(names.map((job) => jobHash(job, model.sha256))).size).toBe(3);
  // A reward model is an adapter, whatever the policy is.
  expect(jobOf({ method: "grpo", reward: "model", weights: "full" })).toMatchObject({
    ...{ method: "rlaif", weights: "full" },
    settings: { rank: 8, alpha: 16, learningRate: 5e-5 },
  });
});

it("writes a job without rank and takes the one file that comes back", async () => {
  const directory = await temporaryDirectory();
  let asked = 0;
  const request = async (_op: string, fields: object) => {
    asked++;
    const job = JSON.parse(readFileSync((fields as { job: string }).job, "utf8"));
    expect(job).toMatchObject({ weights: "full" });
    expect(Object.keys(job.settings)).not.toContain("rank");
    const record = {
      ...{ weights: "full", gguf_sha256: sha256("a model") },
      final_loss: 1,
      tokens: 2,
      seconds: 3,
    };
    mkdirSync(job.output, { recursive: true });
    writeFileSync(join(job.output, "model.gguf"), "a model");
    writeFileSync(join(job.output, "manifest.json"), JSON.stringify(record));
    return { event: "done", ...record } as never;
  };
  const train = createTrainer({ worker: { request }, model, directory });
  const job = jobOf({ weights: "full" });
  const options = { signal: new AbortController().signal, onProgress: () => {} };
  const result = await train(job, options);
  expect(result).toMatchObject({ sha256: sha256("a model"), peftPath: result.ggufPath });
  expect(await train(job, options)).toEqual(result);
  expect(asked).toBe(1);
  writeFileSync(result.ggufPath, "another");
  await train(job, options);
  expect(asked).toBe(2);
  // Ollama gets the file itself: nothing is merged, and nothing rounded.
  const used: string[] = [];
  const merge = mergeIn(directory, { request: () => Promise.reject(new Error("merged")) } as never);
  await merge(model as never)(
    { ...result, parent: null, round: 1 },
    options.signal,
    async ({ path }) => {
      used.push(path);
    },
  );
  expect(used).toEqual([result.ggufPath]);
});

it("goes to a cluster with the one file of its parent", async () => {
  const [here, shared] = [await temporaryDirectory(), await temporaryDirectory()];
  for (const name of ["base.gguf", "parent.gguf", "examples.jsonl"]) {
    writeFileSync(join(here, name), name);
  }
  const job = {
    ...{ version: 1, weights: "full", model: join(here, "base.gguf") },
    ...{ model_sha256: sha256("base.gguf"), parent: join(here, "parent.gguf") },
    ...{ examples: join(here, "examples.jsonl"), output: join(here, "adapter") },
  };
  writeFileSync(join(here, "job.json"), JSON.stringify(job));
  const { jobPath } = await shareJob(join(here, "job.json"), shared, "trainer");
  const there = JSON.parse(readFileSync(jobPath, "utf8"));
  expect(there).toMatchObject({ weights: "full", parent: expect.stringMatching(/parent\.gguf$/) });
  expect(readFileSync(there.parent, "utf8")).toBe("parent.gguf");
});

it("is refused for servers that load no models while they run, before anything is paid for", () => {
  const roles = rolesSchema.parse(undefined);
  const named = (model: object, weights: string) => ({
    ...{ model: modelSchema.parse(model), roles },
    retrain: { method: "sft", weights },
  });
  const openai = { provider: "openai", name: "m", weights: "default" };
  expect(() => requireTeachable(named(openai, "full"))).toThrow(
    /retrain\.weights full trains a whole model/,
  );
  expect(() => requireTeachable(named(openai, "lora"))).not.toThrow();
  expect(() => requireTeachable(named({ provider: "ollama", name: "m" }, "full"))).not.toThrow();
  expect(() => requireTeachable(named({}, "full"))).not.toThrow();
});

it("needs room for at least its base's file before there was one", async () => {
  const base = join(await temporaryDirectory(), "base.gguf");
  writeFileSync(base, "x".repeat(4321));
  const expected: number[] = [];
  const closing = {
    interrupting: (signal: AbortSignal, work: (s: AbortSignal) => unknown) => work(signal),
  };
  const ledger = {
    train: (_signal: AbortSignal, bytes: () => number) => {
      expected.push(bytes());
      throw new Error("asked");
    },
  };
  const store = { rounds: { all: () => [] }, runs: { find: () => ({ modelPath: base }) } };
  const context = { store, runId: "r", workspace: folder, signal: new AbortController().signal };
  for (const weights of ["full", "lora"]) {
    await expect(
      trainWithin(context as never, 1, { ledger, closing } as never, jobOf({ weights }) as never),
    ).rejects.toThrow("asked");
  }
  expect(expected).toEqual([4321, 0]);
});

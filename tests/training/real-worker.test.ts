import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TrainingJob } from "../../src/core/ports.js";
import { createReasoningGym } from "../../src/training/reasoning-gym.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../../src/training/worker.js";
import { isAlive, provided, realTrainer, temporaryDirectory } from "./helpers.js";

// The real Python worker and the real default weights: a smoke test of the protocol on both sides.
let worker: TrainerWorker;
const logs = mkdtempSync(join(tmpdir(), "redistill-test-"));
const model = { path: "", sha256: "" };

beforeAll(async () => {
  const logFile = join(logs, "worker.log");
  const python = provided("REDISTILL_TEST_PYTHON");
  const options = { python, trainerDirectory: realTrainer, logFile };
  // A step may take long on a busy machine, and a cancelled one is finished first.
  worker = createTrainerWorker({ ...options, cancelGraceMs: 120_000 });
  model.path = provided("REDISTILL_TEST_MODEL");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(model.path)) hash.update(chunk as Buffer);
  model.sha256 = hash.digest("hex");
});

afterAll(async () => {
  await worker?.dispose();
  rmSync(logs, { recursive: true, force: true });
});

function turn(question: string): string {
  return `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
}

const job: TrainingJob = {
  method: "sft",
  options: {},
  examples: Array.from({ length: 12 }, (_, index) => ({
    prompt: turn(`What is ${index} + 1?`),
    completion: `${index + 1}`,
  })),
  parent: null,
  seed: 1,
  settings: {
    ...{ rank: 4, alpha: 8, epochs: 2, learningRate: 0.001 },
    ...{ tokensPerStep: 128, warmupRatio: 0 },
  },
};

test("greets with its versions", async () => {
  expect(await worker.request("hello", {})).toMatchObject({
    versions: { worker: expect.any(String), torch: expect.any(String) },
  });
});

test("makes the same tasks for the same seed, and scores answers", async () => {
  const gym = createReasoningGym(worker);
  const tasks = await gym.tasks("chain_sum", { min_terms: 2, max_terms: 2 }, 3, 5);
  expect(await gym.tasks("chain_sum", { min_terms: 2, max_terms: 2 }, 3, 5)).toEqual(tasks);
  const right = tasks.map(({ entry, answer }) => ({ entry, answer }));
  const wrong = tasks.map(({ entry }) => ({ entry, answer: "no idea" }));
  expect(await gym.score("chain_sum", {}, right)).toEqual([1, 1, 1]);
  for (const score of await gym.score("chain_sum", {}, wrong)) expect(score).toBeLessThan(0.5);
  await expect(gym.tasks("no_such_set", {}, 1, 1)).rejects.toMatchObject({ fault: "bad_job" });
});

test("trains, goes on after an interruption, and repeats nothing", async () => {
  const train = createTrainer({ worker, model, directory: await temporaryDirectory() });
  const controller = new AbortController();
  const interrupted = train(job, {
    signal: controller.signal,
    onProgress: ({ step }) => step === 2 && controller.abort(),
  });
  await expect(interrupted).rejects.toMatchObject({ kind: "interrupted" });
  const { pid } = worker;
  expect(pid !== null && isAlive(pid)).toBe(true);

  const steps: number[] = [];
  const options = {
    signal: new AbortController().signal,
    onProgress: ({ step }: { step: number }) => void steps.push(step),
  };
  const adapter = await train(job, options);
  expect(steps[0]).toBeGreaterThan(2);
  expect(statSync(adapter.ggufPath).size).toBeGreaterThan(100_000);
  expect(Number.isFinite(adapter.finalLoss)).toBe(true);
  const made = steps.length;
  expect(await train(job, options)).toEqual(adapter);
  expect(steps).toHaveLength(made);
}, 300_000);

test("refuses other weights than the job names", async () => {
  const other = { path: model.path, sha256: "0".repeat(64) };
  const train = createTrainer({ worker, model: other, directory: await temporaryDirectory() });
  const options = { signal: new AbortController().signal, onProgress() {} };
  await expect(train(job, options)).rejects.toMatchObject({ kind: "model", fault: "bad_weights" });
}, 120_000);

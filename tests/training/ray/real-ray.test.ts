import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Train, TrainingJob, TrainingResult } from "../../../src/core/ports.js";
import { createRayJobs, type RayJobs } from "../../../src/training/ray/jobs-api.js";
import { createRayRunner } from "../../../src/training/ray/runner.js";
import { createTrainer, hashOf, jobHash } from "../../../src/training/train.js";
import { createTrainerWorker } from "../../../src/training/worker.js";
import { provided, realTrainer } from "../helpers.js";
import { ensureRay, freePorts, type HeadPorts, type RayHead, startHead } from "./head.js";

// A real Ray head, the real trainer and the real default weights.
// macOS' own folder for temporary files makes the paths of Ray's sockets too long.
const root = mkdtempSync(join(process.platform === "darwin" ? "/tmp" : tmpdir(), "r"));
const model = { path: "", sha256: "" };
let python: string;
let ports: HeadPorts;
let head: RayHead | null = null;
let jobs: RayJobs;

beforeAll(async () => {
  python = await ensureRay();
  model.path = provided("REDISTILL_TEST_MODEL");
  model.sha256 = await hashOf(model.path);
  ports = await freePorts();
  head = await startHead(python, join(root, "t"), ports);
  jobs = createRayJobs({ address: head.address, token: null });
  await mkdir(join(root, "shared"));
});

afterAll(async () => {
  await jobs?.close();
  await head?.kill();
  rmSync(root, { recursive: true, force: true });
});

const turn = (question: string) =>
  `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;

const job: TrainingJob = {
  method: "sft",
  options: {},
  examples: Array.from({ length: 20 }, (_, index) => ({
    prompt: turn(`What is ${index} + 1?`),
    completion: `${index + 1}`,
  })),
  parent: null,
  seed: 1,
  settings: {
    ...{ rank: 4, alpha: 8, epochs: 4, learningRate: 0.001 },
    ...{ tokensPerStep: 64, warmupRatio: 0 },
  },
};

/** A trainer on the cluster; its workspace and its shared folder stay the same. */
function onRay(notes: string[]): Train {
  const worker = createRayRunner({
    ...{ jobs, trainerDirectory: realTrainer, onNote: (text) => void notes.push(text) },
    settings: {
      ...{ sharedFolder: join(root, "shared"), python: provided("REDISTILL_TEST_PYTHON") },
      resources: { cpus: 1, gpus: 0 },
    },
    pollMs: 500,
  });
  return createTrainer({ worker, model, directory: join(root, "adapters") });
}

/** The same job in a local process, on as many threads as its resources say. */
async function trainedHere(): Promise<TrainingResult> {
  const worker = createTrainerWorker({
    ...{ python: provided("REDISTILL_TEST_PYTHON"), trainerDirectory: realTrainer },
    ...{ logFile: join(root, "worker.log"), env: { ...process.env, OMP_NUM_THREADS: "1" } },
  });
  try {
    const train = createTrainer({ worker, model, directory: join(root, "here") });
    return await train(job, { signal: new AbortController().signal, onProgress() {} });
  } finally {
    await worker.dispose();
  }
}

test("a training that is cancelled, then loses its head, ends with the bits of an undisturbed local one", async () => {
  const notes: string[] = [];
  const id = `redistill-${jobHash(job, model.sha256).slice(0, 16)}`;
  const controller = new AbortController();
  const cancelled = onRay(notes)(job, {
    signal: controller.signal,
    onProgress: ({ step }) => step === 2 && controller.abort(),
  });
  await expect(cancelled).rejects.toMatchObject({ kind: "interrupted" });
  expect(await jobs.find(`${id}-1`, new AbortController().signal)).toMatchObject({
    status: "STOPPED",
  });

  const steps: number[] = [];
  let restarting: Promise<void> | null = null;
  const restart = async () => {
    await head?.kill();
    head = await startHead(python, join(root, "t"), ports);
  };
  const options = {
    signal: new AbortController().signal,
    onProgress: ({ step, steps: all }: { step: number; steps: number }) => {
      steps.push(step);
      if (step > all / 2) restarting ??= restart();
    },
  };
  const adapter = await onRay(notes)(job, options);
  await restarting;
  // It went on from the cancelled one's checkpoint, and after the kill from that or a later one.
  expect(steps[0]).toBeGreaterThan(2);
  expect(Math.min(...steps)).toBe(steps[0]);
  expect(notes.join("\n")).toMatch(/head does not answer[\s\S]*submitted again/);
  expect(adapter.sha256).toBe((await trainedHere()).sha256);

  const made = steps.length;
  expect(await onRay(notes)(job, options)).toEqual(adapter);
  expect(steps).toHaveLength(made);
}, 600_000);

// A controller that trains, to be killed: `training-child.ts <directory> <job's JSON>`.
import { resolve } from "node:path";
import type { TrainingJob } from "../../src/core/ports.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker } from "../../src/training/worker.js";

const [directory, job] = process.argv.slice(2) as [string, string];
const worker = createTrainerWorker({
  python: process.env.REDISTILL_TEST_PYTHON as string,
  trainerDirectory: resolve("tests/training/fixtures/fake_trainer"),
  logFile: `${directory}/child.log`,
  env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
});
const { pid } = await worker.request("hello", {});
process.stdout.write(`${pid}\n`);
const train = createTrainer({
  worker,
  model: { path: "weights/model.gguf", sha256: "a".repeat(64) },
  directory,
});
await train(JSON.parse(job) as TrainingJob, {
  signal: new AbortController().signal,
  onProgress: () => {},
});

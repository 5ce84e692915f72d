import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, vi } from "vitest";
import {
  createTrainerWorker,
  type TrainerWorker,
  type TrainerWorkerOptions,
} from "../../src/training/worker.js";

vi.setConfig({ testTimeout: 30_000 });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "redistill-test-"));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A variable that the test run provides. */
export function provided(name: "REDISTILL_TEST_PYTHON" | "REDISTILL_TEST_MODEL"): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see CONTRIBUTING.md.`);
  return value;
}

export const fakeTrainer = fileURLToPath(new URL("fixtures/fake_trainer", import.meta.url));
export const realTrainer = fileURLToPath(new URL("../../trainer", import.meta.url));

/** A worker that runs the stand-in of fixtures/, with short patience; its log is in the folder. */
export function startFakeWorker(
  folder: string,
  changes: Partial<TrainerWorkerOptions> = {},
): TrainerWorker & { logFile: string } {
  const logFile = join(folder, "logs", "worker.log");
  const worker = createTrainerWorker({
    python: provided("REDISTILL_TEST_PYTHON"),
    trainerDirectory: fakeTrainer,
    logFile,
    heartbeatTimeoutMs: 20_000,
    cancelGraceMs: 300,
    stopGraceMs: 300,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    ...changes,
  });
  // `dispose` is looked up on the worker, whose `pid` stays live through the prototype.
  return Object.assign(Object.create(worker), { logFile });
}

/** The same in a folder of its own; both go when the test has ended. */
export async function fakeWorker(
  changes: Partial<TrainerWorkerOptions> = {},
): Promise<TrainerWorker & { logFile: string }> {
  const worker = startFakeWorker(await temporaryDirectory(), changes);
  cleanups.push(() => worker.dispose());
  return worker;
}

/** Asks the stand-in to behave in a certain way. */
export function behave(
  worker: TrainerWorker,
  how: string,
  options: Parameters<TrainerWorker["request"]>[2] = {},
) {
  return worker.request("answer", { prompts: [how] }, options);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

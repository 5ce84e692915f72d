import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Train, Verify } from "../../../src/core/ports.js";
import { createRayJobs } from "../../../src/training/ray/jobs-api.js";
import { createRayRunner, type RayRunnerOptions } from "../../../src/training/ray/runner.js";
import { createTrainer } from "../../../src/training/train.js";
import { type ScriptedRay, startScriptedRay } from "../../support/scripted-ray.js";
import { fakeTrainer, provided } from "../helpers.js";

export interface Changes extends Partial<RayRunnerOptions> {
  readonly workspace?: string;
  readonly verify?: Verify;
}

export interface Cluster {
  readonly ray: ScriptedRay;
  readonly model: { readonly path: string; readonly sha256: string };
  readonly notes: string[];
  /** Trainers of equal folders have one shared folder, and those of equal workspaces their adapters. */
  trainer(folder: string, changes?: Changes): Train;
  sharedFolder(folder: string): string;
  close(): Promise<void>;
}

/** The scripted cluster with the stand-in for the trainer's package, and short patience. */
export async function startCluster(): Promise<Cluster> {
  const root = mkdtempSync(join(tmpdir(), "redistill-test-"));
  const ray = await startScriptedRay(root);
  const jobs = createRayJobs({
    address: ray.address,
    token: "a token for tests",
    timeoutMs: 2_000,
  });
  const model = {
    path: join(root, "model.gguf"),
    sha256: createHash("sha256").update("weights").digest("hex"),
  };
  writeFileSync(model.path, "weights");
  const notes: string[] = [];
  const sharedFolder = (folder: string) => join(root, folder, "it's shared");
  return {
    ...{ ray, model, notes, sharedFolder },
    trainer(folder, { workspace = "workspace", verify, ...changes } = {}) {
      mkdirSync(sharedFolder(folder), { recursive: true });
      const worker = createRayRunner({
        ...{ jobs, trainerDirectory: fakeTrainer, onNote: (text) => void notes.push(text) },
        settings: {
          sharedFolder: sharedFolder(folder),
          python: provided("REDISTILL_TEST_PYTHON"),
          resources: { cpus: 2, gpus: 0.5 },
        },
        ...{ pollMs: 20, silenceMs: 20_000, patienceMs: 300, firstDelayMs: 10, stopMs: 10_000 },
        ...changes,
      });
      const directory = join(root, folder, workspace, "adapters");
      return createTrainer({ worker, model, directory, ...(verify ? { verify } : {}) });
    },
    async close() {
      await jobs.close();
      await ray.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

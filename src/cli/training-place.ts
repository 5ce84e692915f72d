import { RedistillError } from "../core/errors.js";
import type { RaySettings, TrainerSettings } from "../core/trainer.js";
import { readSecret } from "../files/read-secret.js";
import { RayAway } from "../training/ray/away.js";
import { createRayJobs, type RayJobs } from "../training/ray/jobs-api.js";
import { createRayRunner } from "../training/ray/runner.js";
import { requireSharedFolder } from "../training/ray/shared-folder.js";
import type { TrainerWorker } from "../training/worker.js";
import type { Output } from "./output.js";
import { trainerDirectory } from "./paths.js";

/** Where trainings run. */
export interface TrainingPlace {
  readonly worker: Pick<TrainerWorker, "request">;
  close(): Promise<void>;
}

/** The local worker itself, or a Ray cluster after a look at whether it is there and its folder usable. */
export async function openTrainingPlace(
  trainer: TrainerSettings,
  worker: TrainerWorker,
  output: Output,
  signal: AbortSignal,
): Promise<TrainingPlace> {
  if (trainer.executor === "local") return { worker, close: async () => {} };
  const onNote = (text: string) => output.progress({ kind: "note", text });
  const token = trainer.token && readSecret(trainer.token, "trainer.token", onNote);
  await requireSharedFolder(trainer.sharedFolder);
  const jobs = createRayJobs({ address: trainer.address, token });
  try {
    await requireDashboard(jobs, trainer, signal);
  } catch (error) {
    await jobs.close();
    throw error;
  }
  return {
    worker: createRayRunner({ jobs, settings: trainer, trainerDirectory, onNote }),
    close: () => jobs.close(),
  };
}

async function requireDashboard(
  jobs: RayJobs,
  { address }: RaySettings,
  signal: AbortSignal,
): Promise<void> {
  try {
    await jobs.version(signal);
  } catch (error) {
    if (!(error instanceof RayAway)) throw error;
    throw new RedistillError(
      "setup",
      `No Ray dashboard answers at ${address}: ${error.message}.`,
      "Start the head (`ray start --head`), correct trainer.address, or set trainer.executor to local.",
      { cause: error },
    );
  }
}

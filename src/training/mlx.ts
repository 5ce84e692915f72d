import { z } from "zod";
import { RedistillError } from "../core/errors.js";
import type { TrainerWorker } from "./worker.js";

const helloShape = z.object({
  versions: z.record(z.string(), z.string()),
  executable: z.string(),
});

/** Equal to VERSION in trainer/redistill_trainer/mlx_train.py. */
export const mlxVersion = "0.32.2";

/** Refuses a recipe with `trainer: mlx` where its worker could not train so, before anything is paid for. */
export async function requireMlx(worker: Pick<TrainerWorker, "request">): Promise<void> {
  const { versions, executable } = helloShape.parse(await worker.request("hello", {}));
  if ("mlx-lm" in versions) return;
  throw new RedistillError(
    "setup",
    "retrain.trainer: mlx needs the Python package mlx-lm, which the trainer's environment does not have",
    `On Apple silicon: uv pip install --python ${executable} mlx-lm==${mlxVersion}. Elsewhere set retrain.trainer: torch.`,
  );
}

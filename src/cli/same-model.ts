import { RedistillError } from "../core/errors.js";
import type { RunRow } from "../store/runs.js";

/**
 * Answers of different weights or engines may not be mixed in one run, and an adapter fits only the
 * weights that it was trained on.
 *
 * @param instead What else one can do than putting the former weights back.
 * @throws RedistillError `state` (exit code 7) for a model of another digest than the run's.
 */
export function requireSameModel(run: RunRow, digest: string, instead = ""): void {
  if (run.modelDigest === digest) return;
  throw new RedistillError(
    "state",
    `run ${run.id} began with another model or engine (${run.modelDigest.slice(0, 12)}, now ${digest.slice(0, 12)})`,
    `Put the former weights and redistill version back${instead}.`,
  );
}

import { RedistillError } from "../core/errors.js";
import { hasOwnModel, type NamesModels, type RoleIdentities, roles } from "../core/model.js";
import type { RoleModels } from "../core/ports.js";
import type { RunRow } from "../store/runs.js";

/** What a run remembers of its models: the student, and each role with a model of its own. */
export function identities(recipe: NamesModels, models: RoleModels): RoleIdentities {
  return Object.fromEntries(
    roles
      .filter((role) => role === "student" || hasOwnModel(recipe, role))
      .map((role) => {
        const { digest, description } = models[role];
        return [role, { digest, description }];
      }),
  );
}

/**
 * Answers of different weights or engines may not be mixed in one run, and an adapter fits only the
 * weights that it was trained on.
 *
 * @param instead What else one can do than putting the former weights back.
 * @throws RedistillError `state` (exit code 7) for a model of another digest than the run's.
 */
export function requireSameModel(run: RunRow, digest: string, instead = ""): void {
  requireSame(run.id, "began", run.modelDigest, digest, instead);
}

/** The same for the model of every role. */
export function requireSameModels(run: RunRow, models: RoleModels, instead = ""): void {
  requireSameModel(run, models.student.digest, instead);
  for (const role of roles) {
    const then = run.roles[role];
    if (then === undefined) continue;
    requireSame(run.id, `had as ${role}`, then.digest, models[role].digest, instead);
  }
}

/** @throws RedistillError `state` (exit code 7) where the digests differ. */
export function requireSame(
  run: string,
  what: string,
  then: string,
  now: string,
  instead: string,
): void {
  if (then === now) return;
  throw new RedistillError(
    "state",
    `run ${run} ${what === "began" ? "began with" : what} another model or engine (${then.slice(0, 12)}, now ${now.slice(0, 12)})`,
    `Put the former weights and redistill version back${instead}.`,
  );
}

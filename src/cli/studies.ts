import { commitAt } from "../controller/commit.js";
import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { hasOwnModel, modelOf, roles } from "../core/model.js";
import { requirePriced } from "../core/money.js";
import type { Recipe } from "../core/recipe.js";
import type { Arm, StudySpec } from "../core/study.js";
import { checkTaskFiles } from "../sources/index.js";
import type { PromptSnapshot } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { StudyRow } from "../store/studies.js";
import { armsOf } from "../studies/design.js";
import { recipeOf } from "../studies/load.js";
import { orderOf } from "../studies/order.js";
import { fingerprint } from "./fingerprint.js";
import { requireTeachable } from "./models.js";
import { type ReadPrompt, snapshotFrom } from "./prompts.js";

/** A study whose arms have been checked. */
export interface CheckedStudy {
  readonly spec: StudySpec;
  readonly recipe: Recipe;
  readonly arms: readonly Arm[];
  /** All prompts that an arm uses, each once. */
  readonly prompts: readonly PromptSnapshot[];
  /** Of everything that determines the study: spec, recipes, prompts, the content of files. */
  readonly hash: string;
}

/**
 * Checks every arm as `run` would check its recipe, before anything is paid for.
 *
 * @throws RedistillError `usage` that names the arm.
 */
export async function checkStudy(
  spec: StudySpec,
  recipe: Recipe,
  read: ReadPrompt,
): Promise<CheckedStudy> {
  const arms = armsOf(spec);
  const prompts = new Map<string, PromptSnapshot>();
  const prints: string[] = [];
  for (const arm of arms.filter(({ role }) => role !== "untrained")) {
    const own = recipeOf(spec, recipe, arm, spec.seeds[0]!);
    requireCommonSuites(recipe, own, arm);
    requireServers(spec, own, arm);
    checkTaskFiles(own);
    requirePriced(own);
    requireTeachable(own);
    const snapshots = snapshotFrom(read, own);
    for (const each of snapshots) prompts.set(`${each.stage}/${each.name}`, each);
    prints.push(await fingerprint(own, snapshots));
  }
  const { recipe: _path, together: _pace, ...rest } = spec;
  return { spec, recipe, arms, prompts: [...prompts.values()], hash: sha256([rest, prints]) };
}

/** Arms are compared task by task, and with the base weights: what these answer must be the same for all. */
function requireCommonSuites(study: Recipe, own: Recipe, arm: Arm): void {
  for (const key of ["tasks", "retention", "student", "model"] as const) {
    if (sha256([study[key]]) === sha256([own[key]])) continue;
    throw new RedistillError(
      "usage",
      `arm ${arm.id} changes ${key}: it could not be compared with the base weights' answers, which all arms share`,
      "Put such settings under `settings`, where they hold for all arms, or make a study of each.",
    );
  }
}

/** The embedded engine is one, with memory for one: runs side by side would wait for each other at best. */
function requireServers({ together = 1 }: StudySpec, own: Recipe, arm: Arm): void {
  const embedded = roles.find((role) => modelOf(own, role).provider === "embedded");
  if (together === 1 || embedded === undefined) return;
  const whose = hasOwnModel(own, embedded) ? `roles.${embedded}` : "model";
  throw new RedistillError(
    "usage",
    `together: ${together} works on several runs at once, but ${whose} of arm ${arm.id} is the embedded engine, which is one`,
    "Set `together: 1`, or let a server answer in every role (docs/scaling.md).",
  );
}

/** Writes a study with its arms, its order and its prompts as they are now. */
export function createStudy(store: Store, checked: CheckedStudy): StudyRow {
  const { spec, recipe, arms, prompts, hash } = checked;
  return commitAt(store, "study:create", () => {
    const ids = new Set(store.studies.ids());
    let number = 1;
    while (ids.has(`${spec.name}-${number}`)) number++;
    const id = `${spec.name}-${number}`;
    store.studies.create({ id, spec, specHash: hash, recipe }, prompts, arms, orderOf(spec, arms));
    return store.studies.find(id)!;
  });
}

/**
 * Refuses to start a study beside an unfinished one of an earlier version of its spec.
 *
 * @throws RedistillError `state` with the two ways on.
 */
export function refuseOtherStudy(store: Store, name: string): void {
  const other = store.studies
    .ids()
    .map((id) => store.studies.find(id)!)
    .findLast(({ spec, finishedAt }) => spec.name === name && finishedAt === null);
  if (other === undefined) return;
  throw new RedistillError(
    "state",
    `study ${other.id} of an earlier version of ${name} is unfinished: its spec, a prompt or a file was edited since`,
    `Go on with it as it began: redistill ablate ${other.id}. Or start another with what is there now: add --new.`,
  );
}

/** The prompts that a study began with, whatever has become of their files. */
export function frozenPrompts(store: Store, studyId: string): ReadPrompt {
  const prompts = store.studies.prompts(studyId);
  return (stage, name) => {
    const found = prompts.find((each) => each.stage === stage && each.name === name);
    if (found) return { path: `prompts/${stage}/${name}.md`, body: found.body };
    throw new RedistillError(
      "state",
      `study ${studyId} has no prompt ${stage}/${name}`,
      "Start another study with: redistill ablate <study.yaml> --new",
    );
  };
}

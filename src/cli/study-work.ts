import { commitAt } from "../controller/commit.js";
import { RedistillError } from "../core/errors.js";
import type { Recipe } from "../core/recipe.js";
import type { Arm } from "../core/study.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { StudyRow, StudyRun } from "../store/studies.js";
import { armName } from "../studies/design.js";
import { attemptsAtEqualCompute } from "../studies/equal-compute.js";
import { stoppedBy } from "../studies/halving.js";
import { recipeOf } from "../studies/load.js";
import { type RunOutcome, readOutcomes } from "../studies/outcomes.js";
import { newRun } from "./commands/run.js";
import { fingerprint } from "./fingerprint.js";
import type { Output } from "./output.js";
import { snapshotFrom } from "./prompts.js";
import { frozenPrompts } from "./studies.js";
import { StudyMachine } from "./study-machine.js";
import { type RunOptions, workOnHeld } from "./work.js";

/** Works on a study until all its runs have finished. Whatever ends it early, it goes on from its rows. */
export async function workOnStudy(
  store: Store,
  study: StudyRow,
  options: RunOptions,
): Promise<void> {
  const { output, workspace, signal } = options;
  const machine = new StudyMachine(workspace, output, signal);
  const total = store.studies.runs(study.id).length;
  try {
    for (let next = nextRun(store, study); next !== null; next = nextRun(store, study)) {
      signal.throwIfAborted();
      const arm = store.studies.arms(study.id).find(({ id }) => id === next!.arm)!;
      output.line(
        `[${next.position + 1}/${total}] arm ${arm.id} (${armName(arm)}), seed ${next.seed}`,
      );
      const run = await begun(store, study, arm, next, machine, output);
      const opened = await machine.for(run.recipe);
      const quiet = { ...options, output: withoutResults(output) };
      try {
        await workOnHeld(store, run, quiet, { wanted: run.recipe, opened });
      } catch (error) {
        throw ofStudy(error, study.id);
      }
      showOutcome(store, study, next, output);
    }
  } finally {
    await machine.close();
  }
  commitAt(store, "study:finish", () => store.studies.finish(study.id));
}

/** A stop of the run is one of the study: resuming the run alone would leave the other arms where they are. */
function ofStudy(error: unknown, studyId: string): unknown {
  if (!(error instanceof RedistillError) || error.kind !== "interrupted") return error;
  const hint = `Go on with: redistill ablate ${studyId}`;
  return new RedistillError(error.kind, error.message, hint, { cause: error });
}

/** The first run that is neither finished nor stopped; arms that halving ends are stopped first. */
function nextRun(store: Store, study: StudyRow): StudyRun | null {
  const unfinished = ({ runId, stopped }: StudyRun) =>
    stopped === null && (runId === null || store.runs.find(runId)?.state !== "finished");
  const first = store.studies.runs(study.id).find(unfinished) ?? null;
  if (first === null || study.spec.design.kind !== "halving") return first;
  halve(store, study, first.seed, study.spec.design.keep);
  return store.studies.runs(study.id).find(unfinished) ?? null;
}

/** Before the first run of a seed: the arms that were not among the best with the seeds so far are stopped. */
function halve(store: Store, study: StudyRow, seed: number, keep: number): void {
  const at = study.spec.seeds.indexOf(seed);
  const runs = store.studies.runs(study.id);
  const before = study.spec.seeds[at - 1];
  const why = `after seed ${before}: not among the best ${Math.round(keep * 100)}%`;
  const begun = runs.some((run) => run.seed === seed && run.runId !== null);
  if (before === undefined || begun || runs.some(({ stopped }) => stopped === why)) return;
  const { outcomes, arms } = readOutcomes(store, study);
  const going = arms.filter(
    ({ id, role }) =>
      role === "treatment" &&
      runs.some((run) => run.arm === id && run.seed === seed && !run.stopped),
  );
  const standings = going.map(({ id }) => ({
    arm: id,
    right: outcomes.filter(({ arm }) => arm === id).map(shareRight),
  }));
  const stopped = stoppedBy(standings, keep);
  commitAt(store, "study:stop", () => {
    for (const run of runs) {
      if (stopped.includes(run.arm) && run.runId === null) store.studies.stop(study.id, run, why);
    }
  });
}

/** The run of an arm with a seed: the one that was begun, or a new one. */
async function begun(
  store: Store,
  study: StudyRow,
  arm: Arm,
  { seed, runId }: StudyRun,
  machine: StudyMachine,
  output: Output,
): Promise<RunRow> {
  if (runId !== null) return store.runs.find(runId)!;
  const plain = recipeOf(study.spec, study.recipe, arm, seed);
  const { recipe, note } =
    arm.role === "equal-compute"
      ? atEqualCompute(store, study, plain, seed)
      : { recipe: plain, note: null };
  const prompts = snapshotFrom(frozenPrompts(store, study.id), recipe);
  const recipeHash = await fingerprint(recipe, prompts);
  // A process that died right after it had written the run left it there.
  const run =
    store.runs.unfinished(recipeHash) ??
    (await newRun(store, { recipe, recipeHash, prompts }, await machine.for(recipe), output));
  requireSameTasks(store, study, run);
  commitAt(store, "study:begin", () =>
    store.studies.begin(study.id, { arm: arm.id, seed }, run.id, note),
  );
  return run;
}

function atEqualCompute(
  store: Store,
  study: StudyRow,
  recipe: Recipe,
  seed: number,
): { recipe: Recipe; note: string } {
  const { arms, outcomes } = readOutcomes(store, study);
  const treatments = outcomes
    .filter(
      (run) => run.seed === seed && arms.find(({ id }) => id === run.arm)?.role === "treatment",
    )
    .map(({ runId, tokens }) => ({
      attempts: store.runs.find(runId)!.recipe.generate.attempts,
      tokens,
    }));
  const { attempts, note } = attemptsAtEqualCompute(treatments);
  return { recipe: { ...recipe, generate: { ...recipe.generate, attempts } }, note };
}

/** A task file that was edited meanwhile would make arms of one study answer different questions. */
function requireSameTasks(store: Store, study: StudyRow, run: RunRow): void {
  const first = store.studies.runs(study.id).find(({ runId }) => runId !== null)?.runId;
  if (first == null) return;
  for (const split of ["train", "gate", "sealed", "retention", "replay"] as const) {
    const idsOf = (runId: string) =>
      store.tasks
        .ofSplit(runId, split)
        .map(({ id }) => id)
        .join();
    if (idsOf(first) === idsOf(run.id)) continue;
    throw new RedistillError(
      "state",
      `the ${split} tasks are not those with which study ${study.id} began: a file that it reads was edited`,
      "Put the file back as it was, or start another study with --new.",
    );
  }
}

function showOutcome(store: Store, study: StudyRow, { arm, seed }: StudyRun, output: Output): void {
  const { outcomes, base } = readOutcomes(store, study);
  const outcome = outcomes.find((each) => each.arm === arm && each.seed === seed);
  if (outcome === undefined) return;
  const suites = (["gate", "retention"] as const)
    .filter((suite) => base[suite].size > 0)
    .map(
      (suite) =>
        `${suite} ${rightOf(outcome[suite])} of ${base[suite].size} (base ${rightOf(base[suite])})`,
    );
  const skipped = outcome.noCandidate === null ? "" : `; no candidate: ${outcome.noCandidate}`;
  output.line(`  ${suites.join(", ")}, ${outcome.decision}${skipped}`);
}

function shareRight({ gate }: RunOutcome): number {
  return rightOf(gate) / Math.max(1, gate.size);
}

function rightOf(answers: ReadonlyMap<string, boolean>): number {
  return [...answers.values()].filter(Boolean).length;
}

/** A study's output: what its runs are at, and not the report of each. */
function withoutResults(output: Output): Output {
  return { ...output, line: () => {}, result: () => {} };
}

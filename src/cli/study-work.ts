import { CallsUnderWay } from "../controller/calls-under-way.js";
import { commitAt } from "../controller/commit.js";
import { RedistillError } from "../core/errors.js";
import type { Recipe } from "../core/recipe.js";
import { retentionLabel } from "../core/retention.js";
import type { Arm } from "../core/study.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { StudyRow, StudyRun } from "../store/studies.js";
import { partOf } from "../studies/analysis/answers.js";
import { armName } from "../studies/design.js";
import { attemptsAtEqualCompute } from "../studies/equal-compute.js";
import { stoppedBy } from "../studies/halving.js";
import { recipeOf } from "../studies/load.js";
import { type RunOutcome, readOutcomes } from "../studies/outcomes.js";
import { newRun } from "./commands/run.js";
import { fingerprint } from "./fingerprint.js";
import type { Machine } from "./machine.js";
import type { Output } from "./output.js";
import { snapshotFrom } from "./prompts.js";
import { frozenPrompts } from "./studies.js";
import { machineKey, StudyMachine } from "./study-machine.js";
import { outputOf } from "./study-output.js";
import { type RunOptions, workOnHeld } from "./work.js";

/**
 * Works on a study until all its runs have finished. Whatever ends it early, it goes on from its rows.
 *
 * @param together Runs of a seed that are worked on side by side.
 */
export async function workOnStudy(
  store: Store,
  study: StudyRow,
  options: RunOptions,
  together: number,
): Promise<void> {
  const { output, workspace, signal } = options;
  const machine = new StudyMachine(workspace, output, signal);
  const total = store.studies.runs(study.id).length;
  const enough = new AbortController();
  const beside = { calls: new CallsUnderWay(), enough: enough.signal };
  const atWork = new Map<StudyRun, Promise<void>>();
  const errors: unknown[] = [];
  const fail = (error: unknown) => {
    errors.push(ofStudy(error, study.id, signal));
    enough.abort();
  };
  const workOn = async (next: StudyRun, run: RunRow) => {
    const label = together > 1 ? `${next.arm}, seed ${next.seed}` : null;
    const own = { ...options, output: outputOf(output, label), beside };
    const open = (recipe: Recipe) => machine.for(recipe);
    await workOnHeld(store, run, own, { wanted: run.recipe, open });
    showOutcome(store, study, next, output);
  };
  try {
    while (!enough.signal.aborted) {
      const isFull = atWork.size >= together;
      const next = isFull ? null : nextRun(store, study, [...atWork.keys()]);
      if (next === null && atWork.size === 0) break;
      if (atWork.size === 0) signal.throwIfAborted();
      if (next === null || signal.aborted) {
        await Promise.race(atWork.values());
        continue;
      }
      const arm = store.studies.arms(study.id).find(({ id }) => id === next.arm)!;
      output.line(
        `[${next.position + 1}/${total}] arm ${arm.id} (${armName(arm)}), seed ${next.seed}`,
      );
      const run = await begun(store, study, arm, next, machine, output);
      if (enough.signal.aborted) break;
      const working = workOn(next, run).catch(fail);
      atWork.set(
        next,
        working.finally(() => atWork.delete(next)),
      );
    }
  } catch (error) {
    fail(error);
  } finally {
    await Promise.all(atWork.values());
    await machine.close();
  }
  if (errors.length > 0) throw errors[0];
  commitAt(store, "study:finish", () => store.studies.finish(study.id));
}

/** A stop of the run is one of the study: resuming the run alone would leave the other arms where they are. */
function ofStudy(error: unknown, studyId: string, { aborted }: AbortSignal): unknown {
  const hint = `Go on with: redistill ablate ${studyId}`;
  if (aborted && !(error instanceof RedistillError)) {
    const what = `study ${studyId} was stopped; everything it paid for is kept`;
    return new RedistillError("interrupted", what, hint, { cause: error });
  }
  if (!(error instanceof RedistillError) || error.kind !== "interrupted") return error;
  return new RedistillError(error.kind, error.message, hint, { cause: error });
}

/**
 * The first run that is neither finished nor stopped; arms that halving ends are stopped first. Beside others only
 * treatments of their seed that want the same machine: the control counts what all of them spent.
 */
function nextRun(store: Store, study: StudyRow, atWork: readonly StudyRun[]): StudyRun | null {
  const left = () => unfinished(store, study, atWork);
  const [first] = left();
  const [beside] = atWork;
  if (first === undefined) return null;
  if (beside !== undefined) {
    const key = keyOf(store, study, beside);
    const fits = (run: StudyRun) => run.seed === beside.seed && keyOf(store, study, run) === key;
    return key === null ? null : (left().find(fits) ?? null);
  }
  if (study.spec.design.kind !== "halving") return first;
  halve(store, study, first.seed, study.spec.design.keep);
  return left()[0] ?? null;
}

function unfinished(store: Store, study: StudyRow, atWork: readonly StudyRun[]): StudyRun[] {
  const isAtWork = ({ position }: StudyRun) => atWork.some((run) => run.position === position);
  return store.studies
    .runs(study.id)
    .filter(
      (run) =>
        run.stopped === null &&
        (run.runId === null || store.runs.find(run.runId)?.state !== "finished") &&
        !isAtWork(run),
    );
}

/** Of the machine that a treatment's run wants; null for a control, which is worked on alone. */
function keyOf(store: Store, study: StudyRow, { arm, seed }: StudyRun): string | null {
  const found = store.studies.arms(study.id).find(({ id }) => id === arm)!;
  if (found.role !== "treatment") return null;
  return machineKey(recipeOf(study.spec, study.recipe, found, seed));
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
    (await newOn(await machine.for(recipe), (opened) =>
      newRun(store, { recipe, recipeHash, prompts }, opened, output),
    ));
  requireSameTasks(store, study, run);
  commitAt(store, "study:begin", () =>
    store.studies.begin(study.id, { arm: arm.id, seed }, run.id, note),
  );
  return run;
}

async function newOn(opened: Machine, make: (opened: Machine) => Promise<RunRow>): Promise<RunRow> {
  try {
    return await make(opened);
  } finally {
    await opened.close();
  }
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
        .map(({ id, suite }) => `${id} ${suite ?? ""}`)
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
  const { outcomes, base, retention } = readOutcomes(store, study);
  const outcome = outcomes.find((each) => each.arm === arm && each.seed === seed);
  if (outcome === undefined) return;
  const measured = [
    { label: "gate", now: outcome.gate, before: base.gate },
    ...retention.map((part) => ({
      label: retentionLabel(part.name),
      now: partOf(outcome.retention, part),
      before: partOf(base.retention, part),
    })),
  ];
  const suites = measured
    .filter(({ before }) => before.size > 0)
    .map(
      ({ label, now, before }) =>
        `${label} ${rightOf(now)} of ${before.size} (base ${rightOf(before)})`,
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

import { seedFor } from "../core/hash.js";
import type { Suite } from "../core/round.js";
import type { Arm, ArmRole } from "../core/study.js";
import { holm } from "../stats/index.js";
import { answersOf, scoresOf, sharedTasks } from "./analysis/answers.js";
import { type Contrast, contrast } from "./analysis/comparison.js";
import { type Claim, shareOf } from "./analysis/estimate.js";
import { type MainEffects, mainEffects } from "./analysis/main-effects.js";
import { powerOf, type StudyPower } from "./analysis/power.js";
import { armName } from "./design.js";
import type { StudyOutcomes, StudyRetention } from "./outcomes.js";

/** What a study says, as far as it has come. All shares and differences are of 1, not of 100. */
export interface StudyAnalysis {
  /** 1 - alpha, of all intervals. */
  readonly confidence: number;
  readonly alpha: number;
  readonly margin: number;
  /** Largest loss on the retention suite that the recipe allows; null without one such suite. */
  readonly retentionMargin: number | null;
  readonly seeds: readonly number[];
  readonly arms: readonly ArmFigures[];
  /** Treatments less the equal-compute control, on the gate suite: what the study is about. */
  readonly primary: readonly Comparison[];
  /** Everything that was trained less the untrained weights, on the gate suite. */
  readonly learned: readonly Comparison[];
  /** The same on the retention suite; suite by suite where the recipe names them. */
  readonly retained: readonly RetentionComparison[];
  /** null with one factor, or where the arms that have ended cannot tell the factors apart. */
  readonly effects: MainEffects | null;
  readonly power: StudyPower;
  /** Runs that are not in the figures. */
  readonly missing: readonly MissingRun[];
}

export interface ArmFigures {
  readonly id: string;
  readonly name: string;
  readonly role: ArmRole;
  readonly levels: Readonly<Record<string, string>>;
  /** With which it has ended. */
  readonly seeds: readonly number[];
  /** Why no further seeds were run; null where nothing was stopped. */
  readonly stopped: string | null;
  readonly suites: Readonly<Record<Suite, SuiteShare | null>>;
  /** Of each retention suite, where the recipe names them; `suites.retention` is then of all their tasks. */
  readonly retention?: readonly { readonly suite: string; readonly share: SuiteShare | null }[];
}

/** The share right on a suite. */
export interface SuiteShare {
  readonly tasks: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
  /** `method` is for new trainings too; the untrained weights and single trainings are `weights`. */
  readonly claim: Claim;
  readonly perSeed: readonly { readonly seed: number; readonly share: number }[];
}

/**
 * `better`, `worse`: the adjusted p is at most alpha. `equivalent`: within the margin, by the
 * adjusted p of that. `open`: neither was shown. `stopped`: given up on the way, and so not tested.
 */
export type Finding = "better" | "worse" | "equivalent" | "open" | "stopped";

export interface Comparison {
  readonly arm: string;
  readonly baseline: string;
  /** null: no seed of both has ended yet. */
  readonly contrast: Contrast | null;
  /** Holm's, over all comparisons of its kind; null where there is nothing to test. */
  readonly pHolm: number | null;
  readonly pEquivalentHolm: number | null;
  readonly finding: Finding;
}

/** A comparison on a retention suite; suite and margin are there where the recipe names suites. */
export interface RetentionComparison extends Comparison {
  readonly suite?: string;
  readonly margin?: number;
}

export interface MissingRun {
  readonly arm: string;
  readonly seed: number;
  readonly why: "stopped" | "not begun" | "not finished";
  /** Of a stopped one. */
  readonly reason: string | null;
}

/**
 * Analyses a study, finished or not: what has ended is in the figures, and what has not is in `missing`.
 *
 * @example
 * analyse(readOutcomes(store, store.studies.latest()!)).primary
 */
export function analyse(outcomes: StudyOutcomes): StudyAnalysis {
  const { spec, recipe } = outcomes.study;
  const confidence = 1 - spec.alpha;
  const missing = missingRuns(outcomes);
  const of = (role: ArmRole) => outcomes.arms.filter((arm) => arm.role === role);
  const [treatments, computes, bases] = [of("treatment"), of("equal-compute"), of("untrained")];
  const primary = family(outcomes, treatments, computes[0], "gate", missing);
  const trained = [...treatments, ...computes];
  const components = primary.flatMap((each) => each.contrast?.estimate.components ?? []);
  return {
    confidence,
    alpha: spec.alpha,
    margin: spec.margin,
    retentionMargin: recipe.retention?.suites ? null : (recipe.retention?.margin ?? null),
    seeds: spec.seeds,
    arms: outcomes.arms.map((arm) => figuresOf(outcomes, arm, confidence, missing)),
    primary,
    learned: family(outcomes, trained, bases[0], "gate", missing),
    retained: retainedBy(outcomes, trained, bases[0], missing),
    effects: mainEffects(outcomes, confidence),
    power: powerOf(spec, recipe.tasks.gate, treatments.length, components),
    missing,
  };
}

function missingRuns({ arms, runs, outcomes }: StudyOutcomes): MissingRun[] {
  const untrained = arms.filter(({ role }) => role === "untrained").map(({ id }) => id);
  return runs.flatMap(({ arm, seed, runId, stopped }): MissingRun[] => {
    if (untrained.includes(arm)) return [];
    if (outcomes.some((run) => run.arm === arm && run.seed === seed)) return [];
    const why = stopped !== null ? "stopped" : runId === null ? "not begun" : "not finished";
    return [{ arm, seed, why, reason: stopped }];
  });
}

function figuresOf(
  outcomes: StudyOutcomes,
  arm: Arm,
  confidence: number,
  missing: readonly MissingRun[],
): ArmFigures {
  const own = outcomes.outcomes.filter((run) => run.arm === arm.id);
  const share = (suite: Suite, part: StudyRetention | null = null): SuiteShare | null => {
    const answers = answersOf(outcomes, arm, suite, part);
    // The same answers once for every seed are one training, or none.
    const seeds = [...answers.keys()].slice(0, arm.role === "untrained" ? 1 : undefined);
    const { tasks } = sharedTasks([answers], seeds);
    if (tasks.length < 2 || seeds.length === 0) return null;
    const scores = scoresOf(answers, tasks, seeds);
    const perSeed = seeds.map((seed, s) => ({
      seed,
      share: scores.reduce((sum, row) => sum + row[s]!, 0) / tasks.length,
    }));
    return {
      tasks: tasks.length,
      ...shareOf(scores, confidence),
      perSeed: arm.role === "untrained" ? [] : perSeed,
    };
  };
  const named = outcomes.retention.flatMap((part) =>
    part.name === null ? [] : [{ suite: part.name, share: share("retention", part) }],
  );
  return {
    id: arm.id,
    name: armName(arm),
    role: arm.role,
    levels: arm.levels,
    seeds: own.map(({ seed }) => seed).sort((a, b) => a - b),
    stopped: missing.find((run) => run.arm === arm.id && run.why === "stopped")?.reason ?? null,
    suites: { gate: share("gate"), retention: share("retention"), sealed: share("sealed") },
    ...(named.length === 0 ? {} : { retention: named }),
  };
}

/** Each suite by itself: it has its own margin, and all must hold. */
function retainedBy(
  outcomes: StudyOutcomes,
  trained: readonly Arm[],
  untrained: Arm | undefined,
  missing: readonly MissingRun[],
): RetentionComparison[] {
  const suites = outcomes.retention.filter(({ name }) => name !== null);
  if (suites.length === 0) return family(outcomes, trained, untrained, "retention", missing);
  return suites.flatMap((part) =>
    family(outcomes, trained, untrained, "retention", missing, part).map((comparison) => ({
      ...comparison,
      suite: part.name!,
      margin: part.margin,
    })),
  );
}

/**
 * Comparisons that share the level, all that were planned: one that was stopped on the way or is still to come
 * counts with p = 1. The others were chosen over a stopped one by the same answers, and Holm's bound
 * holds for those chosen only if it counts all.
 */
function family(
  outcomes: StudyOutcomes,
  arms: readonly Arm[],
  baseline: Arm | undefined,
  suite: Suite,
  missing: readonly MissingRun[],
  part: StudyRetention | null = null,
): Comparison[] {
  if (baseline === undefined) return [];
  const { spec, specHash } = outcomes.study;
  const against = answersOf(outcomes, baseline, suite, part);
  const compared = arms.map(({ id, ...arm }) => ({
    id,
    stopped: missing.some((run) => run.arm === id && run.why === "stopped"),
    contrast: contrast(against, answersOf(outcomes, { id, ...arm }, suite, part), {
      confidence: 1 - spec.alpha,
      margin: spec.margin,
      comparisons: arms.length,
      // The bootstrap takes long, and is shown of the comparisons that the study is about.
      bootstrapSeed:
        baseline.role === "equal-compute" ? seedFor("bootstrap", specHash, suite, id) : null,
    }),
  }));
  const adjusted = (p: (contrast: Contrast) => number | null) => {
    const own = compared.map(({ contrast, stopped }) =>
      contrast === null || stopped ? null : p(contrast),
    );
    const all = holm(own.map((value) => value ?? 1));
    return own.map((value, i) => (value === null ? null : all[i]!));
  };
  const differ = adjusted(({ estimate }) => estimate.p);
  const equal = adjusted(({ pEquivalent }) => pEquivalent);
  return compared.map(({ id, contrast, stopped }, i) => {
    const [pHolm, pEquivalentHolm] = [differ[i]!, equal[i]!];
    const shown = (p: number | null) => p !== null && p <= spec.alpha;
    const finding = (): Finding => {
      if (stopped) return "stopped";
      if (shown(pHolm)) return contrast!.estimate.difference > 0 ? "better" : "worse";
      return shown(pEquivalentHolm) ? "equivalent" : "open";
    };
    const what = { arm: id, baseline: baseline.id, contrast };
    return { ...what, pHolm, pEquivalentHolm, finding: finding() };
  });
}

import { points } from "../../core/points.js";
import { retentionLabel } from "../../core/retention.js";
import { figure, interval, percent, pValue } from "../../report/figures.js";
import { type Counted, exactInterval } from "../../stats/index.js";
import type { ArmFigures, Comparison, SuiteShare } from "../analysis.js";
import { findingTexts, level } from "./headline.js";
import type { StudyReport } from "./report.js";

/** Texts as they are to be shown; a renderer makes names safe before they come here. */
export interface TextTable {
  readonly header: readonly string[];
  readonly rows: string[][];
}

/** Makes a text safe for where it is shown: names hold what a spec's author wrote. */
export type Safe = (text: string) => string;

const none = "–";

/** Every arm with everything that was measured of it. */
export function armTable({ analysis, flows, costs }: StudyReport, safe: Safe): TextTable {
  const rows = analysis.arms.map((arm) => {
    const flow = flows.find((each) => each.arm === arm.id);
    const cost = costs.find((each) => each.arm === arm.id);
    const students = flow?.students;
    return [
      arm.id,
      safe(arm.name),
      seedsOf(arm),
      shareText(arm.suites.gate),
      ...retentionOf(arm).map(({ share }) => shareText(share)),
      shareText(arm.suites.sealed),
      flow === undefined || flow.fixed.of === 0 ? none : `${flow.fixed.count}/${flow.fixed.of}`,
      students === undefined ? none : `${students.fixed} / ${students.broken}`,
      cost === undefined ? none : figure(Math.round(cost.sampled)),
      cost === undefined ? none : figure(Math.round(cost.trained)),
    ];
  });
  const share = `right (${level(analysis.confidence)} interval)`;
  const header = [
    "arm",
    "what it is",
    "seeds",
    `gate: ${share}`,
    ...retentionNames(analysis.arms).map(retentionLabel),
    "sealed",
    "revisions that fixed",
    "gate tasks gained / lost",
    "tokens sampled",
    "tokens trained",
  ];
  return { header, rows };
}

/** The retention suites of an arm: each by its name, or the one. */
function retentionOf({ suites, retention }: ArmFigures) {
  return retention ?? [{ suite: null, share: suites.retention }];
}

const retentionNames = ([arm]: readonly ArmFigures[]): (string | null)[] =>
  arm === undefined ? [null] : retentionOf(arm).map(({ suite }) => suite);

function seedsOf({ role, seeds, stopped }: ArmFigures): string {
  if (role === "untrained") return none;
  return `${seeds.join(", ") || "none"}${stopped === null ? "" : " (stopped)"}`;
}

function shareText(share: SuiteShare | null): string {
  if (share === null) return none;
  return `${percent(share.share)} (${percent(share.low)} to ${percent(share.high)})`;
}

/** Differences with what is claimed of them. */
export function comparisonTable(
  comparisons: readonly Comparison[],
  { analysis }: StudyReport,
  safe: Safe,
): TextTable {
  const compared = comparisons.filter(({ contrast }) => contrast !== null);
  return {
    header: [
      "arm",
      "what it is",
      "seeds",
      "tasks",
      "points",
      `${level(analysis.confidence)} interval`,
      "about",
      "p",
      "p (Holm)",
      "finding",
    ],
    rows: compared.map(({ arm, contrast, pHolm, finding }) => {
      const { estimate, seeds, tasks } = contrast!;
      return [
        arm,
        safe(nameOf(analysis.arms, arm)),
        String(seeds.length),
        String(tasks),
        points(estimate.difference),
        interval(estimate),
        estimate.claim === "method" ? "the method" : "these weights",
        pValue(estimate.p),
        pHolm === null ? none : pValue(pHolm),
        findingTexts[finding],
      ];
    }),
  };
}

/** The same differences in other words, and by tests that assume less. */
export function effectSizeTable(
  comparisons: readonly Comparison[],
  { analysis }: StudyReport,
): TextTable {
  const rows = comparisons.flatMap(({ arm, contrast, pEquivalentHolm }) => {
    if (contrast === null) return [];
    const { majority, bootstrap, cohensD, odds, dominance, detectable, perSeed } = contrast;
    return [
      [
        arm,
        bootstrap === null ? none : interval(bootstrap),
        `${majority.gained} / ${majority.lost}`,
        pValue(majority.p),
        perSeed.map(({ gained, lost }) => `${gained} / ${lost}`).join(", "),
        cohensD === null ? none : cohensD.toFixed(2),
        odds === null
          ? none
          : `${oddsText(odds.odds)} (${oddsText(odds.low)} to ${oddsText(odds.high)})`,
        dominance.toFixed(2),
        pEquivalentHolm === null ? none : pValue(pEquivalentHolm),
        detectableText(detectable),
      ],
    ];
  });
  const header = [
    "arm",
    "BCa by task",
    "gained / lost, majority",
    "McNemar p",
    "gained / lost, by seed",
    "Cohen's d",
    "odds of a gain",
    "Cliff's delta",
    `p of equivalence within ${points(analysis.margin).slice(1)} (Holm)`,
    "detectable",
  ];
  return { header, rows };
}

const oddsText = (value: number | null) => (value === null ? "∞" : value.toFixed(2));

/** A difference that is found in 80% of cases. */
export function detectableText(difference: number | null): string {
  if (difference === null) return none;
  return difference > 1 ? "over 100" : points(difference).slice(1);
}

/** Marginal means of each factor's levels. */
export function effectTable({ analysis }: StudyReport, safe: Safe): TextTable {
  const { effects, confidence } = analysis;
  const header = [
    "factor",
    "level",
    "arms",
    "right, marginal mean",
    `${level(confidence)} interval`,
    "against the first level, points",
    `${level(confidence)} interval`,
  ];
  const rows = (effects?.factors ?? []).flatMap(({ factor, levels }) =>
    levels.map(({ level: name, arms, share, low, high, difference }) => [
      safe(factor),
      safe(name),
      String(arms),
      percent(share),
      `${percent(low)} to ${percent(high)}`,
      difference === null ? none : points(difference.difference),
      difference === null ? none : interval(difference),
    ]),
  );
  return { header, rows };
}

/** Draft → revision on training tasks, base weights → student on gate tasks. */
export function flowTable({ flows, analysis }: StudyReport, safe: Safe): TextTable {
  const header = [
    "arm",
    "what it is",
    "drafts right",
    "wrong drafts revised",
    "fixed",
    "right drafts revised",
    "broken",
    "gate: right before and after",
    "gained",
    "lost",
    "wrong before and after",
  ];
  const rows = flows.map(({ arm, attempts, fixed, broken, students }) => [
    arm,
    safe(nameOf(analysis.arms, arm)),
    `${attempts.ok}/${attempts.ok + attempts.wrong + attempts.ungradable}`,
    String(fixed.of),
    rateText(fixed),
    String(broken.of),
    rateText(broken),
    ...[students.kept, students.fixed, students.broken, students.missed].map(String),
  ]);
  return { header, rows };
}

function rateText({ count, of }: { readonly count: number; readonly of: number }): string {
  return of === 0 ? none : `${count} (${percent(count / of)})`;
}

/** Critiques as detectors of wrong answers, and what revisions after them did, with exact intervals. */
export function criticTable({ critics, analysis }: StudyReport, safe: Safe): TextTable {
  const share = ({ count, of }: Counted) => {
    if (of === 0) return none;
    const { low, high } = exactInterval(count, of, analysis.confidence);
    return `${count}/${of} (${percent(low)} to ${percent(high)})`;
  };
  const number = (value: number | null) => (value === null ? none : value.toFixed(2));
  return {
    header: [
      "arm",
      "what it is",
      "called wrong that are (precision)",
      "wrong that are called so (recall)",
      "of planted mistakes",
      "right that are called wrong",
      "unsure / unreadable",
      "Brier score",
      "calibration error",
      "fixed",
      "broken",
    ],
    rows: critics.map(({ arm, figures }) => [
      arm,
      safe(nameOf(analysis.arms, arm)),
      share(figures.precision),
      share(figures.recall),
      share(figures.recallPlanted),
      share(figures.falseAlarms),
      `${figures.unsure} / ${figures.ungradable}`,
      number(figures.brier),
      number(figures.calibrationError),
      share(figures.fixed),
      share(figures.broken),
    ]),
  };
}

/** Tokens of each stage, on average over an arm's runs. */
export function costTable({ costs }: StudyReport): TextTable {
  const stages = [...new Set(costs.flatMap((cost) => Object.keys(cost.stages)))].sort();
  const number = (value: number) => figure(Math.round(value));
  return {
    header: ["arm", "runs", ...stages, "sampled to learn", "trained"],
    rows: costs.map(({ arm, seeds, stages: of, sampled, trained }) => [
      arm,
      String(seeds),
      ...stages.map((stage) => number(of[stage] ?? 0)),
      number(sampled),
      number(trained),
    ]),
  };
}

/** An arm's name; its id where the study has no such arm. */
export function nameOf(arms: readonly ArmFigures[], id: string): string {
  return arms.find((arm) => arm.id === id)?.name ?? id;
}

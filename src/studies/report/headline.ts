import { points } from "../../core/points.js";
import { interval, plural, pValue } from "../../report/figures.js";
import type { Comparison, Finding } from "../analysis.js";
import type { StudyReport } from "./report.js";

type Facts = Pick<StudyReport, "study" | "finished" | "analysis">;

/** The study in one honest sentence. */
export function headline({ study, finished, analysis }: Facts): string {
  const { primary, missing } = analysis;
  const open = missing.filter(({ why }) => why !== "stopped").length;
  const left = open === 0 ? "" : ` (${plural(open, "run")} to come)`;
  const unfinished = finished ? "" : ` is unfinished${left}`;
  const tested = primary.filter(({ contrast }) => contrast !== null);
  if (tested.length === 0) return `${study}${unfinished}: nothing can be compared yet`;
  const of = (finding: Finding) => primary.filter((each) => each.finding === finding);
  const better = of("better");
  const counts = (["better", "worse", "equivalent", "open", "stopped"] as const)
    .filter((finding) => of(finding).length > 0)
    .map((finding) => `${of(finding).length} ${findingTexts[finding]}`);
  const best = [...better].sort(byDifference)[0];
  const remark =
    best === undefined
      ? "no arm was shown to be better than the same tokens spent on further attempts"
      : `the largest gain is ${best.arm}'s, ${claim(best, analysis.confidence)}`;
  return `${study}${unfinished}: of ${plural(primary.length, "treatment")} against equal compute, ${counts.join(", ")}; ${remark}`;
}

/** Findings in the words of a sentence. */
export const findingTexts: Record<Finding, string> = {
  better: "better",
  worse: "worse",
  equivalent: "equivalent within the margin",
  open: "not decided",
  stopped: "stopped on the way",
};

const byDifference = (a: Comparison, b: Comparison) =>
  b.contrast!.estimate.difference - a.contrast!.estimate.difference;

/** "+6.1 points (95% interval +1.2 to +11.0, p = 0.02 by Holm)". */
function claim({ contrast, pHolm }: Comparison, confidence: number): string {
  const { estimate } = contrast!;
  return `${points(estimate.difference)} points (${level(confidence)} interval ${interval(estimate)}, ${pValue(pHolm!)} by Holm)`;
}

/** 0.95 → "95%". */
export function level(confidence: number): string {
  return `${Number((confidence * 100).toFixed(1))}%`;
}

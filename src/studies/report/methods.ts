import { points } from "../../core/points.js";
import { figure, plural } from "../../report/figures.js";
import type { Item } from "../../report/sections.js";
import { level } from "./headline.js";
import type { StudyReport } from "./report.js";
import { detectableText } from "./tables.js";

/**
 * The methods in sentences for a paper: what was done with the figures of this very report. Citations
 * are the numbers of {@link references}. It holds nothing that others wrote.
 */
export function methodsParagraph(report: StudyReport): string {
  const { spec, analysis } = report;
  const { seeds, alpha, margin, confidence, power } = analysis;
  const treatments = analysis.arms.filter(({ role }) => role === "treatment").length;
  const several = seeds.length > 1;
  const sentences = [
    `We compared ${plural(treatments, "arm")} ${designText(report)} with two controls: further attempts in place of critique and revision at equal compute, and the untrained weights.`,
    `Each trained arm was run with ${plural(seeds.length, "seed")} (${seeds.join(", ")}) on the same tasks, drawn with task seed ${spec.taskSeed}; ${figure(power.tasks)} held-out tasks were answered by every student, and only an answer that the verifier accepted counted as right.`,
    several
      ? "Differences were paired by task and seed and estimated under a crossed random-effects model of tasks and seeds [1–3], with Satterthwaite's degrees of freedom [4]: they are claims about new tasks and new trainings."
      : "Differences were paired by task and tested by Student's t over tasks; with one seed they are claims about these trained weights, not about the method [2, 3].",
    `Intervals are at ${level(confidence)}; BCa bootstrap intervals draw whole tasks [5] and exact McNemar tests [6] compare verdicts by majority over seeds; where nothing varied, intervals are Tango's [7].`,
    `P values of the ${plural(power.comparisons, "comparison")} with the equal-compute control were adjusted by Holm's method [8] at a level of ${alpha}${spec.design.kind === "halving" ? ", arms that successive halving [9] stopped counted among them" : ""}.`,
    ...(margin > 0
      ? [
          `Equivalence within ${points(margin).slice(1)} points was tested by two one-sided tests [10], adjusted likewise.`,
        ]
      : []),
    "Effect sizes are Cohen's d of paired differences with Hedges' correction [11], the odds of a gain against a loss, and Cliff's delta within tasks [12].",
    ...(analysis.effects === null
      ? []
      : [
          "Main effects of factors are least-squares contrasts of effect-coded levels, interactions taken to be none; their intervals are not adjusted for their number.",
        ]),
    `The study was planned to find differences of ${detectableText(power.planned.detectable)} points in 80% of cases.`,
    ...(report.finished ? [] : ["The study has not ended: its figures will change."]),
  ];
  return sentences.join(" ");
}

function designText({ spec }: StudyReport): string {
  const factors = plural(Object.keys(spec.factors).length, "factor");
  if (spec.design.kind === "fraction") return `(a D-optimal fraction [13] of ${factors})`;
  if (spec.design.kind === "halving")
    return `(all combinations of ${factors}, with successive halving)`;
  return `(all combinations of ${factors})`;
}

/** What the methods cite, in the order of their numbers; those that this study did not need are left out. */
export function references({ spec, analysis }: StudyReport): { number: number; text: string }[] {
  const all = [
    "Searle, S. R., Casella, G. and McCulloch, C. E. (1992). Variance Components. Wiley.",
    "Clark, H. H. (1973). The language-as-fixed-effect fallacy. Journal of Verbal Learning and Verbal Behavior 12:335–359.",
    "Bouthillier, X. et al. (2021). Accounting for variance in machine learning benchmarks. Proceedings of MLSys 3.",
    "Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics Bulletin 2:110–114.",
    "Efron, B. (1987). Better bootstrap confidence intervals. Journal of the American Statistical Association 82:171–185.",
    "McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika 12:153–157.",
    "Tango, T. (1998). Equivalence test and confidence interval for the difference in proportions for the paired-sample design. Statistics in Medicine 17:891–908.",
    "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6:65–70.",
    "Jamieson, K. and Talwalkar, A. (2016). Non-stochastic best arm identification and hyperparameter optimization. Proceedings of AISTATS 51:240–248.",
    "Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics 15:657–680.",
    "Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size and related estimators. Journal of Educational Statistics 6:107–128.",
    "Cliff, N. (1993). Dominance statistics: ordinal analyses to answer ordinal questions. Psychological Bulletin 114:494–509.",
    "Cook, R. D. and Nachtsheim, C. J. (1980). A comparison of algorithms for constructing exact D-optimal designs. Technometrics 22:315–324.",
  ];
  const several = analysis.seeds.length > 1;
  const unused = [
    ...(several ? [] : [1, 4]),
    ...(spec.design.kind === "halving" ? [] : [9]),
    ...(analysis.margin > 0 ? [] : [10]),
    ...(spec.design.kind === "fraction" ? [] : [13]),
  ];
  return all
    .map((text, i) => ({ number: i + 1, text }))
    .filter(({ number }) => !unused.includes(number));
}

/** Hashes that say whether a repeated study is the same. */
export function provenanceItems({ provenance }: StudyReport): Item[] {
  const { specHash, modelDigests, prompts, taskSets } = provenance;
  const item = (text: string): Item => ({ text, details: [] });
  const splits = taskSets.map(({ split }) => split);
  const differing = [...new Set(splits.filter((split, at) => splits.indexOf(split) < at))];
  return [
    item(`Spec, recipes, prompts and files together: ${specHash}`),
    ...modelDigests.map((digest) => item(`Model (weights, template, engine): ${digest}`)),
    ...(modelDigests.length > 1
      ? [item("NOT ALL RUNS HAD THE SAME MODEL: differences between arms may be the models'.")]
      : []),
    ...taskSets.map(({ split, tasks, hash, runs }) =>
      item(`Tasks, ${split}: ${plural(tasks, "task")} in ${plural(runs, "run")}, ${hash}`),
    ),
    ...differing.map((split) =>
      item(
        `NOT ALL RUNS HAD THE SAME ${split.toUpperCase()} TASKS: only shared ones are compared.`,
      ),
    ),
    ...prompts.map(({ stage, name, version, hash }) =>
      item(`Prompt ${stage}/${name}, version ${version}: ${hash}`),
    ),
  ];
}

/** Each run with its own recipe and what answers in its name. */
export function runTable({ provenance }: StudyReport) {
  return {
    header: ["run", "arm", "seed", "recipe", "student"],
    rows: provenance.runs.map(({ arm, seed, runId, recipeHash, student }) => [
      runId,
      arm,
      String(seed),
      recipeHash.slice(0, 16),
      student === null ? "base weights" : student.slice(0, 16),
    ]),
  };
}

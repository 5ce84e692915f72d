import { points } from "../../core/points.js";
import { figure, interval, percent, plural } from "../../report/figures.js";
import type { Item } from "../../report/sections.js";
import { findingTexts, level } from "./headline.js";
import type { StudyReport } from "./report.js";
import { detectableText, nameOf, type Safe } from "./tables.js";

const item = (text: string, ...details: string[]): Item => ({ text, details });

/** Calls that are really made, of those that all arms would make alone; what a study aims at. */
const aim = 0.4;

/** What can be said, and what is to be held against it. */
export function resultItems(report: StudyReport, safe: Safe): Item[] {
  const { analysis, spec } = report;
  const { primary, confidence } = analysis;
  const findings = primary.map(({ arm, contrast, finding }) => {
    const name = `${arm} (${safe(nameOf(analysis.arms, arm))})`;
    if (contrast === null) return item(`${name}: no run of it can be compared yet.`);
    const { estimate, seeds } = contrast;
    return item(
      `${name}: ${findingTexts[finding]}, ${points(estimate.difference)} points, ${level(confidence)} interval ${interval(estimate)}.`,
      ...(estimate.claim === "weights"
        ? [`One seed (${seeds[0]}): a claim about these weights, not about the method.`]
        : []),
      ...(estimate.constant ? ["Nothing varied; the interval is Tango's, p McNemar's."] : []),
    );
  });
  const halving = spec.design.kind === "halving";
  const long = report.runs.some(({ rounds }) => rounds > 1);
  return [
    ...findings,
    ...(halving
      ? [
          item(
            "Arms were stopped by their answers to the gate suite: the tests count the stopped ones, but the figures of those that went on are somewhat flattering. The sealed suite's are not.",
          ),
        ]
      : []),
    ...(long
      ? [
          item(
            "With several rounds the gate suite chose the weights that it then measures, in all arms alike: single figures are slightly flattering, differences hardly.",
          ),
        ]
      : []),
    ...sealedRemark(report),
  ];
}

function sealedRemark({ analysis }: StudyReport): Item[] {
  if (analysis.arms.every(({ suites }) => suites.sealed === null)) return [];
  return [
    item(
      "The sealed suite is asked only where a run promoted something: arms without a figure there are not worse for it, and the others are not compared.",
    ),
  ];
}

/** Whether learning cost what the base weights could do already. */
export function retentionItems({ analysis }: StudyReport, safe: Safe): Item[] {
  const { retained, arms, confidence, retentionMargin } = analysis;
  return retained.flatMap(({ arm, contrast, suite, margin = retentionMargin }) => {
    if (contrast === null) return [];
    const { estimate } = contrast;
    const where = `the retention suite${suite === undefined ? "" : ` ${suite}`}`;
    const within =
      margin === null
        ? ""
        : `; ${estimate.low >= -margin ? "within" : "not shown to be within"} the recipe's margin of ${points(-margin)}`;
    return [
      item(
        `${arm} (${safe(nameOf(arms, arm))}): ${points(estimate.difference)} points on ${where}, ${level(confidence)} interval ${interval(estimate)}${within}.`,
      ),
    ];
  });
}

/** What the study could see. */
export function powerItems({ analysis }: StudyReport): Item[] {
  const { power, margin } = analysis;
  const { tasks, seeds, comparisons, planned, found } = power;
  const view = (what: string, { components, detectable, atMargin }: typeof planned) =>
    item(
      `${what}: the smallest difference found in 80% of cases is ${detectableText(detectable)} points.`,
      ...(atMargin === null
        ? []
        : [
            `A difference as large as the margin (${points(margin).slice(1)} points) is found in ${percent(atMargin)} of cases.`,
          ]),
      `Standard deviations: task ${deviation(components.task)}, seed ${deviation(components.seed)}, residual ${deviation(components.residual)} points.`,
    );
  return [
    item(
      `Planned with ${plural(tasks, "gate task")}, ${plural(seeds, "seed")} and ${plural(comparisons, "comparison")} sharing a level of ${analysis.alpha}.`,
    ),
    view("As expected before anything was run", planned),
    ...(found === null ? [] : [view("With the spread that was found", found)]),
  ];
}

const deviation = (variance: number) => (Math.sqrt(variance) * 100).toFixed(1);

export function flowItems({ flows }: StudyReport): Item[] {
  if (flows.length === 0) return [];
  const reworkedRight = flows.some(({ broken }) => broken.of > 0);
  return [
    item(
      "Nobody revises answers to gate tasks, and the student is not asked training tasks: what revisions mend is told on training tasks, what the student learned on gate tasks. Neither is followed task by task into the other.",
    ),
    ...(reworkedRight
      ? []
      : [
          item(
            "No right draft was revised, so that these runs say nothing of what critiques break.",
          ),
        ]),
  ];
}

export function costItems({ calls, costs }: StudyReport): Item[] {
  if (calls.alone === 0) return [];
  const ratio = calls.paid / calls.alone;
  return [
    item(
      `${figure(calls.paid)} model calls were paid for, of ${figure(calls.alone)} that the runs would have made alone: ${percent(ratio)} (aim: at most ${percent(aim)}${ratio <= aim ? "" : "; not reached"}).`,
    ),
    ...(costs.length === 0
      ? []
      : [
          item(
            "Tokens are prompts in full and answers, whoever paid for them; the mean of an arm's runs.",
          ),
        ]),
  ];
}

/** What is not in the figures, or is there in another way than planned. */
export function incompleteItems({ analysis, runs }: StudyReport, safe: Safe): Item[] {
  const of = (arm: string, why: string) =>
    analysis.missing.filter((run) => run.arm === arm && run.why === why);
  const absent = analysis.arms.flatMap(({ id, name, seeds }) =>
    (["stopped", "not finished", "not begun"] as const).flatMap((why) => {
      const found = of(id, why);
      if (found.length === 0) return [];
      const reason = found[0]!.reason;
      return [
        item(
          `${id} (${safe(name)}): ${why} with seed ${found.map(({ seed }) => seed).join(", ")}${reason === null ? "" : `: ${safe(reason)}`}.`,
          ...(why === "stopped" && seeds.length > 0
            ? [`Its figures are those of seed ${seeds.join(", ")}.`]
            : []),
        ),
      ];
    }),
  );
  const skipped = runs.flatMap(({ arm, seed, skipped: rounds }) =>
    rounds.map(({ round, reason }) =>
      item(`${arm}, seed ${seed}: round ${round} gave no candidate: ${safe(reason)}.`),
    ),
  );
  const notes = runs.flatMap(({ arm, seed, note }) =>
    note === null ? [] : [item(`${arm}, seed ${seed}: ${safe(note)}.`)],
  );
  const leftOut = [...analysis.primary, ...analysis.learned].flatMap(
    ({ arm, baseline, contrast }) =>
      contrast === null || contrast.leftOut === 0
        ? []
        : [
            item(
              `${arm} against ${baseline}: ${plural(contrast.leftOut, "task")} left out that not all of their runs have answered.`,
            ),
          ],
  );
  return [...absent, ...skipped, ...notes, ...leftOut];
}

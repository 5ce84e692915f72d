import { RedistillError } from "../../core/errors.js";
import { retentionLabel } from "../../core/retention.js";
import type { Suite } from "../../core/round.js";
import type { Store } from "../../store/store.js";
import { answersOf } from "../analysis/answers.js";
import { analyse } from "../analysis.js";
import { readOutcomes, type StudyOutcomes, type StudyRetention } from "../outcomes.js";
import { readCritics } from "./critics.js";
import { readExamples } from "./examples.js";
import { armFlows } from "./flows.js";
import { headline } from "./headline.js";
import { readProvenance } from "./provenance.js";
import type { AnswerTable, ArmCost, HowItWent, RunReport, StudyReport } from "./report.js";

/**
 * The report of a study, finished or not, from the saved database and nothing else: the same rows give
 * the same report.
 *
 * @param options `times`: with the section that says when everything ran, which another machine or a
 *   disturbance would change.
 * @throws RedistillError `usage` where there is no such study.
 *
 * @example
 * writeFileSync("report.html", renderStudyHtml(readStudyReport(store, "critiques-1")));
 */
export function readStudyReport(
  store: Store,
  studyId: string,
  options: { readonly times?: boolean } = {},
): StudyReport {
  const study = store.studies.find(studyId);
  if (study === null) {
    const known = store.studies.ids();
    throw new RedistillError(
      "usage",
      `no study ${studyId} in this workspace`,
      known.length === 0 ? "`redistill ablate` begins one." : `There are: ${known.join(", ")}.`,
    );
  }
  return studyReport(store, readOutcomes(store, study), options);
}

/** The report of outcomes that have been read already. */
export function studyReport(
  store: Store,
  outcomes: StudyOutcomes,
  options: { readonly times?: boolean } = {},
): StudyReport {
  const { study } = outcomes;
  const analysis = analyse(outcomes);
  // How many runs were worked on at once changes nothing that they came to.
  const { together: _pace, ...spec } = study.spec;
  const facts = {
    study: study.id,
    spec,
    finished: study.finishedAt !== null,
    analysis,
  };
  return {
    kind: "study-report",
    ...facts,
    headline: headline(facts),
    flows: armFlows(store, outcomes),
    critics: readCritics(store, outcomes),
    costs: armCosts(outcomes),
    calls: outcomes.calls,
    runs: outcomes.outcomes.map((run) => runReport(store, run)),
    examples: readExamples(store, outcomes, analysis),
    provenance: readProvenance(store, outcomes),
    answers: answerTables(outcomes),
    howItWent: options.times === true ? readTimes(store, outcomes) : null,
  };
}

function runReport(store: Store, run: StudyOutcomes["outcomes"][number]): RunReport {
  const { arm, seed, runId, decision, noCandidate, note, rounds } = run;
  const skipped = store.rounds.all(runId).flatMap(({ number, candidate }) => {
    if (candidate !== null) return [];
    return [{ round: number, reason: store.rounds.decision(runId, number)?.reason ?? "" }];
  });
  const what = { arm, seed, runId, decision, noCandidate, note };
  return { ...what, skipped, rounds: rounds.length };
}

/** Stages that measure and from which nothing is learned. */
const measures = new Set(["evaluate", "examine", "final", "mend"]);

function armCosts({ arms, outcomes }: StudyOutcomes): ArmCost[] {
  return arms.flatMap(({ id }): ArmCost[] => {
    const runs = outcomes.filter(({ arm }) => arm === id);
    if (runs.length === 0) return [];
    const average = (of: (run: (typeof runs)[number]) => number) =>
      runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
    const names = [...new Set(runs.flatMap(({ tokens }) => Object.keys(tokens)))];
    const stages = names.map((name) => [name, average(({ tokens }) => tokens[name] ?? 0)] as const);
    return [
      {
        arm: id,
        seeds: runs.length,
        stages: Object.fromEntries(stages),
        sampled: stages.reduce((sum, [name, of]) => sum + (measures.has(name) ? 0 : of), 0),
        trained: average(({ trainedTokens }) => trainedTokens),
      },
    ];
  });
}

function answerTables(outcomes: StudyOutcomes): AnswerTable[] {
  const suites: readonly { suite: Suite; part: StudyRetention | null }[] = [
    { suite: "gate", part: null },
    ...outcomes.retention.map((part) => ({ suite: "retention" as const, part })),
    { suite: "sealed", part: null },
  ];
  return suites.flatMap(({ suite, part }): AnswerTable[] => {
    const rows = outcomes.arms.flatMap((arm) =>
      [...answersOf(outcomes, arm, suite, part)]
        .slice(0, arm.role === "untrained" ? 1 : undefined)
        .map(([seed, answers]) => ({
          arm: arm.id,
          seed: arm.role === "untrained" ? null : seed,
          answers,
        })),
    );
    const tasks = [...new Set(rows.flatMap(({ answers }) => [...answers.keys()]))].sort();
    if (tasks.length === 0) return [];
    const mark = (right: boolean | undefined) => (right === undefined ? "-" : right ? "1" : "0");
    return [
      {
        suite: part === null ? suite : retentionLabel(part.name),
        tasks,
        rows: rows.map(({ answers, ...row }) => ({
          ...row,
          marks: tasks.map((task) => mark(answers.get(task))).join(""),
        })),
      },
    ];
  });
}

function readTimes(store: Store, { study, outcomes }: StudyOutcomes): HowItWent {
  return {
    createdAt: study.createdAt,
    finishedAt: study.finishedAt,
    runs: outcomes.flatMap(({ arm, seed, runId }) => {
      const run = store.runs.find(runId);
      if (run === null) return [];
      return [{ arm, seed, startedAt: run.createdAt, finishedAt: run.finishedAt }];
    }),
  };
}

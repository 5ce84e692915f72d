import { points } from "../core/points.js";
import { accuracy, interval, pValue } from "./figures.js";
import type { RunReport, SuiteReport } from "./report.js";

type Facts = Pick<
  RunReport,
  "run" | "finished" | "ended" | "decided" | "planned" | "promoted" | "suites" | "health"
>;

const stateTexts = {
  paused: "is paused",
  failed: "has failed",
  interrupted: "is unfinished",
} as const;

/** The run in one honest sentence. */
export function headline(facts: Facts): string {
  const { run, finished, ended, decided, planned, promoted, suites } = facts;
  const state = ended === null ? "is unfinished" : stateTexts[ended.state];
  const name = finished ? run : `${run} ${state}, ${decided} of ${planned} rounds decided`;
  const measured = suites.filter(({ suite }) => suite !== "retention");
  if (promoted === 0) return `${name}: ${nothingPromoted(facts, measured[0])}`;
  const best = measured.find(({ comparison }) => comparison !== null);
  if (best === undefined) return `${name}: ${promoted} promoted, no suite answered by both models`;
  return `${name}: ${change(best)}${best.suite === "gate" ? `; ${gateRemark}` : ""}`;
}

/** Why the gate suite's figure may not be the headline where a sealed one exists. */
export const gateRemark = "the gate suite chose the winner, so its figure is slightly flattering";

function nothingPromoted(
  { decided, finished, health }: Facts,
  suite: SuiteReport | undefined,
): string {
  if (decided === 0) return "no round has been decided yet";
  const score = suite ? ` (${accuracy(suite.base)} of ${suite.tasks} ${suite.suite} tasks)` : "";
  if (health.rolledBack.length > 0)
    return `No promotion stands, ${takenBack(health.rolledBack)}; the base weights are the incumbent${score}`;
  return `No round ${finished ? "was" : "has been"} promoted; the base weights are still the incumbent${score}`;
}

/** [1, 3] → "those of rounds 1 and 3 were taken back". */
function takenBack(rounds: readonly number[]): string {
  if (rounds.length === 1) return `that of round ${rounds[0]} was taken back`;
  return `those of rounds ${rounds.slice(0, -1).join(", ")} and ${rounds.at(-1)} were taken back`;
}

/** Base and final weights on one suite as a sentence. */
export function change({ suite, tasks, base, comparison }: SuiteReport): string {
  if (comparison === null)
    return `${accuracy(base)} of ${tasks} ${suite} tasks by the base weights`;
  const { candidate, difference, confidence, low, high, pDifferent } = comparison;
  const verdict =
    high < 0
      ? "; this is worse"
      : low <= 0
        ? "; the interval does not exclude no change at all"
        : "";
  return `accuracy on ${tasks} ${suite} tasks went from ${accuracy(base)} to ${accuracy(candidate)}: ${points(difference)} points, ${Math.round(confidence * 100)}% interval ${interval({ low, high })}, ${pValue(pDifferent)}${verdict}`;
}

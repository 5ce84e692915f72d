import type { Decision, PairedComparison } from "../core/entities.js";
import type { ErrorKind } from "../core/errors.js";
import { attemptsText, lookDifference, lookText } from "../core/look.js";
import { nearestToMargin, retainedOf, retentionLabel, usedOf } from "../core/retention.js";

/** What a person reads on a phone: figures, and what to do; never a prompt, an answer or a path. */
export interface Text {
  readonly title: string;
  readonly text: string;
}

/** A round was promoted or rejected. */
export function roundText(facts: {
  run: string;
  round: number;
  rounds: number;
  decision: Decision;
  /** The recipe's margin on a single retention suite; null without one. */
  margin: number | null;
  /** For what is left of the run; null where nothing is known yet. */
  secondsLeft: number | null;
}): Text {
  const { run, round, rounds, decision, margin, secondsLeft } = facts;
  const title = `${run} round ${round} ${decision.outcome}`;
  const left = secondsLeft === null ? "" : `; ${remaining(secondsLeft)} left`;
  const next =
    round < rounds
      ? `Goes on with round ${round + 1} of ${rounds}${left}.`
      : `That was the last of ${rounds} rounds; the final test follows.`;
  return { title, text: `${title}: ${decisionText(decision, margin)}. ${next}` };
}

function decisionText(
  { outcome, gate, alpha, look, ...retention }: Decision,
  margin: number | null,
): string {
  if (gate === null) return "training gave no new weights";
  const figure = look
    ? `gate ${points(lookDifference(look))} points${attemptsText(look)} (${lookText(look, alpha)})`
    : `gate ${points(gate.difference)} points (95% interval ${interval(gate)})`;
  const kept = keptText(retention, margin);
  if (outcome === "promoted") return kept === "" ? figure : `${figure}; ${kept}`;
  if (look) {
    return look.outcome === "better"
      ? `${figure}, but ${kept}`
      : `${figure}, not shown to be better`;
  }
  if (gate.pBetter > alpha) {
    const level = `p ${gate.pBetter.toPrecision(2)}, needed ${alpha.toPrecision(2)}`;
    return `${figure}, not shown to be better (${level})`;
  }
  return kept === "" ? figure : `${figure}, but ${kept}`;
}

/** Of several suites the one that is nearest to its margin, by name: a phone has little room. */
function keptText(
  retention: Pick<Decision, "retention" | "retentionSuites">,
  margin: number | null,
): string {
  const nearest = nearestToMargin(retainedOf(retention, margin), usedOf);
  if (nearest === undefined) return "";
  const { name, comparison } = nearest;
  const limit =
    name === null && margin === null ? "" : ` (margin ${(nearest.margin * 100).toFixed(0)})`;
  return `${retentionLabel(name)} at worst ${points(comparison.low)} points${limit}`;
}

/** Every round is done. */
export function finishedText(facts: {
  run: string;
  rounds: number;
  promoted: number;
  /** Base weights and incumbent; null where nothing was promoted or no suite was answered by both. */
  comparison: PairedComparison | null;
  suite: "sealed" | "gate";
}): Text {
  const { run, rounds, promoted, comparison, suite } = facts;
  const title = `${run} finished`;
  const result =
    promoted === 0
      ? `none of ${rounds} rounds promoted, the base weights stay`
      : `${promoted} of ${rounds} rounds promoted`;
  const figure =
    comparison === null
      ? ""
      : `. ${suite === "sealed" ? "Sealed" : "Gate"} suite ${accuracy(comparison, "baseline")} to ${accuracy(comparison, "candidate")}, ${points(comparison.difference)} points (95% interval ${interval(comparison)})`;
  return { title, text: `${title}: ${result}${figure}. Read it: redistill report ${run}` };
}

const pauses: Record<string, string> = {
  budget: "a budget is used up",
  window: "its time window closed",
  disk: "the disk has no room",
  health: "a health monitor stopped it",
  request: "somebody asked for it",
  server: "the model's server does not answer",
};

/** The run waits. Messages of errors may hold paths, so only the reason's word is told. */
export function pausedText(facts: {
  run: string;
  round: number | null;
  reason: string;
  /** Whether it goes on by itself, as in its next window. */
  returns: boolean;
}): Text {
  const { run, round, reason, returns } = facts;
  const title = `${run} paused${inRound(round)}`;
  const word = /^[a-z][a-z_-]{0,30}$/.test(reason) ? reason.replace(/[_-]/g, " ") : "waiting";
  const why = pauses[reason] ?? word;
  const next = returns ? "It goes on by itself when the next one opens." : look(run);
  return { title, text: `${title}: ${why}. Everything paid for is kept. ${next}` };
}

const places: Record<ErrorKind, string> = {
  internal: "an unexpected error",
  usage: "something in the recipe or its files",
  setup: "something that the run needs is missing",
  storage: "the database or the disk",
  model: "the model or its file",
  training: "the training",
  state: "the run is not as it was left",
  paused: "it had to wait",
  interrupted: "it was stopped",
};

/** The run ended with an error. Its message may hold paths or prompts, so only its kind is told. */
export function failedText(facts: { run: string; round: number | null; kind: ErrorKind }): Text {
  const { run, round, kind } = facts;
  const title = `${run} failed${inRound(round)}`;
  return { title, text: `${title}: ${places[kind]}. Everything paid for is kept. ${look(run)}` };
}

function look(run: string): string {
  return `Why: redistill status ${run}. Go on: redistill resume ${run}`;
}

function inRound(round: number | null): string {
  return round === null ? "" : ` in round ${round}`;
}

function points(share: number): string {
  const text = (share * 100).toFixed(1);
  return Number(text) >= 0 ? `+${text.replace("-", "")}` : text;
}

function interval({ low, high }: PairedComparison): string {
  return `${points(low)} to ${points(high)}`;
}

function accuracy(comparison: PairedComparison, side: "baseline" | "candidate"): string {
  return `${((comparison[side].ok / comparison.tasks) * 100).toFixed(1)}%`;
}

function remaining(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `about ${minutes} min`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

import { attemptsText, lookDifference, lookText } from "../core/look.js";
import { points } from "../core/points.js";
import { isKept, type Retained, retainedOf, retentionLabel } from "../core/retention.js";
import { detectableDifference, tasksNeeded } from "../stats/index.js";
import { accuracy, figure, interval, percent, plural, pValue } from "./figures.js";
import type { RoundReport } from "./report.js";

type Decided = NonNullable<RoundReport["decision"]>;

/** Chance that advice on the size of a suite counts with. */
const power = 0.8;

/** Which of the gate's two bounds a candidate kept; null where none was compared. */
export function boundsOf(decision: Decided) {
  const { gate, level, look } = decision;
  if (gate === null) return null;
  const kept = retainedIn(decision).every(isKept);
  return { better: look ? look.outcome === "better" : gate.pBetter <= level, kept };
}

/** What a decision saw of each retention suite. */
export function retainedIn(decision: Decided): readonly Retained[] {
  return retainedOf(decision, decision.margin);
}

/** The figures behind a decision, a sentence each, and the bound that decided. */
export function evidence(decision: Decided): string[] {
  const { gate, level, look } = decision;
  const bounds = boundsOf(decision);
  if (gate === null || bounds === null) return [];
  const short = Number(level.toPrecision(2));
  const found = bounds.better ? "better" : "not shown to be better";
  const counts = `${accuracy(gate.baseline)} → ${accuracy(gate.candidate)}, ${gate.gained} gained, ${gate.lost} lost; ${points(gate.difference)} points, 95% interval ${interval(gate)}`;
  const sentences = look
    ? [
        `Gate, task by task${attemptsText(look)}: ${percent(look.incumbent)} → ${percent(look.candidate)}, ${points(lookDifference(look))} points; ${lookText(look, level)}, level ${short}: ${found}.`,
        `First answers to these tasks: ${counts}. Where a look stops early, such figures flatter it.`,
      ]
    : [
        `Gate, ${plural(gate.tasks, "task")}: ${counts}; one-sided ${pValue(gate.pBetter)}, level ${short}: ${found}.`,
      ];
  const retained = retainedIn(decision);
  sentences.push(...retained.map(retainedSentence));
  sentences.push(`Decided by ${decider(bounds.better, retained)}.`);
  const sees = bounds.better ? null : sensitivity(decision);
  return sees === null ? sentences : [...sentences, sees];
}

function retainedSentence(retained: Retained): string {
  const { name, margin, comparison } = retained;
  const { tasks, baseline, candidate, gained, lost, difference, low } = comparison;
  const label = retentionLabel(name).replace("retention", "Retention");
  return `${label}, ${plural(tasks, "task")}, against the base weights: ${accuracy(baseline)} → ${accuracy(candidate)}, ${gained} gained, ${lost} lost; ${points(difference)} points, at worst ${points(low)}, allowed ${points(-margin)}: ${isKept(retained) ? "kept" : "forgets too much"}.`;
}

/** The bound that decided; suites that missed theirs by name, where they have names. */
function decider(better: boolean, retained: readonly Retained[]): string {
  const lost = retained.filter((each) => !isKept(each));
  if (better && lost.length === 0) {
    if (retained.length === 0) return "the gate's level";
    return `${retained.length === 1 ? "both" : "all"} bounds, which it kept`;
  }
  const names = lost.flatMap(({ name }) => name ?? []);
  const margin = `the retention margin${names.length === 0 ? "" : ` of ${names.join(" and ")}`}`;
  if (better) return `${margin}; on the gate suite it was better`;
  return lost.length === 0 ? "the gate's level" : `the gate's level, and it missed ${margin} too`;
}

/**
 * What the gate suite can and cannot see, for a candidate that it did not find better. Null for a look
 * task by task, of which these formulas say nothing.
 */
export function sensitivity({ gate, level, look }: Decided): string | null {
  if (gate === null || look) return null;
  const planned = { lostShare: gate.lost / gate.tasks, alpha: level, power };
  const smallest = detectableDifference(gate.tasks, planned);
  const seen =
    smallest === null
      ? `${plural(gate.tasks, "gate task")} with this many losses cannot show any gain 4 times in 5.`
      : `With ${plural(gate.tasks, "gate task")} and as many losses (${percent(planned.lostShare)}), a true gain of about ${points(smallest)} points is found 4 times in 5; smaller ones are mostly missed.`;
  const enough = tasksNeeded(gate.difference, planned);
  return enough > gate.tasks && Number.isFinite(enough)
    ? `${seen} For a gain as large as the one measured it would take about ${figure(roundUp(enough))} gate tasks.`
    : seen;
}

/** Two digits are all that such an estimate is worth. */
function roundUp(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return Math.ceil(count / unit) * unit;
}

import { attemptsText, lookDifference, lookText } from "../core/look.js";
import { points } from "../core/points.js";
import { detectableDifference, tasksNeeded } from "../stats/index.js";
import { accuracy, figure, interval, percent, plural, pValue } from "./figures.js";
import type { RoundReport } from "./report.js";

type Decided = NonNullable<RoundReport["decision"]>;

/** Chance that advice on the size of a suite counts with. */
const power = 0.8;

/** Which of the gate's two bounds a candidate kept; null where none was compared. */
export function boundsOf({ gate, retention, level, margin, look }: Decided) {
  if (gate === null) return null;
  const kept = retention === null || margin === null || retention.low >= -margin;
  return { better: look ? look.outcome === "better" : gate.pBetter <= level, kept };
}

/** The figures behind a decision, a sentence each, and the bound that decided. */
export function evidence(decision: Decided): string[] {
  const { gate, retention, level, margin, look } = decision;
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
  if (retention !== null && margin !== null) {
    sentences.push(
      `Retention, ${plural(retention.tasks, "task")}, against the base weights: ${accuracy(retention.baseline)} → ${accuracy(retention.candidate)}, ${retention.gained} gained, ${retention.lost} lost; ${points(retention.difference)} points, at worst ${points(retention.low)}, allowed ${points(-margin)}: ${bounds.kept ? "kept" : "forgets too much"}.`,
    );
  }
  sentences.push(`Decided by ${decider(bounds, retention !== null)}.`);
  const sees = bounds.better ? null : sensitivity(decision);
  return sees === null ? sentences : [...sentences, sees];
}

function decider({ better, kept }: { better: boolean; kept: boolean }, hasRetention: boolean) {
  if (better && kept) return hasRetention ? "both bounds, which it kept" : "the gate's level";
  if (better) return "the retention margin; on the gate suite it was better";
  return kept ? "the gate's level" : "the gate's level, and it missed the retention margin too";
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

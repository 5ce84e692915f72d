import { exactInterval, type JudgeFigures, judgeFigures, type Share } from "../stats/index.js";
import type { JudgedRow } from "../store/preferences.js";
import type { Store } from "../store/store.js";
import { percent, plural } from "./figures.js";
import type { RunReport } from "./report.js";
import type { Item } from "./sections.js";

type Judged = RunReport["judge"][number];

/** How the judge did in a round; null where it was asked nothing. */
export function readJudge(store: Store, runId: string, round: number): Judged | null {
  if (store.rounds.summary(runId, round, "judge") === null) return null;
  const rows = store.rounds.preferences.judged(runId, round);
  return rows.length === 0 ? null : { round, ...judgeFigures(rows.map(asPair)) };
}

function asPair(row: JudgedRow): Parameters<typeof judgeFigures>[0][number] {
  const { forward, backward, outcome, purpose, firstModel, secondModel, judge } = row;
  const mixed = (firstModel === judge) !== (secondModel === judge);
  return {
    ...{ forward, backward, outcome },
    lengths: [row.firstLength, row.secondLength],
    right: purpose === "training" ? null : row.firstRight === 1 ? "first" : "second",
    own: mixed ? (firstModel === judge ? "first" : "second") : null,
  };
}

/** What can be held for and against the judge, a round each. */
export function judgeItems({ judge }: Pick<RunReport, "judge">): Item[] {
  return judge.map(({ round, ...figures }) => ({
    text: `Round ${round}: ${plural(figures.pairs, "pair")}, each asked in both orders: ${plural(figures.preferred, "preference")}, ${figures.pairs - figures.preferred - figures.ungradable} without one, ${figures.ungradable} ungradable.`,
    details: details(figures),
  }));
}

function details({ consistent, shownFirst, longer, agreement, undecided, own }: JudgeFigures) {
  return [
    `With the verifier, where that knows the better answer: ${withInterval(agreement)} of its preferences; 50% would be chance. No preference on ${shareOf(undecided)} of these pairs.`,
    `The same in both orders: ${shareOf(consistent)}. The answer shown first was named ${shareOf(shownFirst)} of the time; without bias half.`,
    `The longer answer was preferred ${shareOf(longer)} of the time.`,
    ...(own.of === 0
      ? []
      : [`Its own model's answer was preferred to another model's ${shareOf(own)} of the time.`]),
  ];
}

function shareOf({ count, of }: Share): string {
  return of === 0 ? "– (0 of 0)" : `${percent(count / of)} (${count} of ${of})`;
}

function withInterval({ count, of }: Share): string {
  if (of === 0) return shareOf({ count, of });
  const { low, high } = exactInterval(count, of);
  return `${shareOf({ count, of })}, 95% interval ${percent(low)} to ${percent(high)},`;
}

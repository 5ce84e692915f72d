import type { Store } from "../store/store.js";
import { figure, percent } from "./figures.js";
import type { FrontierPoint, RoundReport, RunReport } from "./report.js";

/** What is paid for after the last round, for the run's result and not for any round's candidate. */
const finalStage = "final";

/** Rounds whose candidate answered the gate suite, with those marked that no other one beats (Pareto). */
export function readFrontier(
  store: Store,
  runId: string,
  rounds: readonly Pick<RoundReport, "round" | "decision" | "training">[],
): FrontierPoint[] {
  const paid = store.spend.byStage(runId).filter(({ stage }) => stage !== finalStage);
  const points = rounds.flatMap(({ round, decision, training }) => {
    if (!decision?.gate) return [];
    const { gate, retention, outcome } = decision;
    const tokens = paid
      .filter((row) => row.round === round)
      .reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0);
    const shareOf = ({ candidate, tasks }: typeof gate) => candidate.ok / tasks;
    return [
      {
        ...{ round, outcome, tokens, trained: training?.tokens ?? 0 },
        ...{ gate: shareOf(gate), retention: retention && shareOf(retention) },
      },
    ];
  });
  return points.map((point) => ({
    ...point,
    efficient: !points.some((other) => beats(other, point)),
  }));
}

type Costs = Pick<FrontierPoint, "gate" | "retention" | "tokens" | "trained">;

function beats(a: Costs, b: Costs): boolean {
  const better = [
    ...[a.gate - b.gate, (a.retention ?? 0) - (b.retention ?? 0)],
    ...[b.tokens - a.tokens, b.trained - a.trained],
  ];
  return better.every((each) => each >= 0) && better.some((each) => each > 0);
}

/** Of the section that compares rounds. */
export const frontierTitle = "What rounds gave for their tokens";

/** Gate, retention and cost by round; `*` stands where no other round is better. Empty with one round, which nothing is held against. */
export function frontierTable({ frontier }: Pick<RunReport, "frontier">): {
  header: string[];
  rows: string[][];
} {
  const compared = frontier.length < 2 ? [] : frontier;
  const rows = compared.map(({ round, gate, retention, tokens, trained, outcome, efficient }) => [
    `${round}${efficient ? " *" : ""}`,
    percent(gate),
    retention === null ? "–" : percent(retention),
    figure(tokens),
    figure(trained),
    outcome,
  ]);
  const header = ["round (* none better)", "gate right", "retention right"];
  return { header: [...header, "tokens asked", "tokens trained on", "decision"], rows };
}

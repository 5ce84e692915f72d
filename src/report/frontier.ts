import type { Store } from "../store/store.js";
import { figure, percent } from "./figures.js";
import type { FrontierPoint, RoundReport, RunReport } from "./report.js";

/** Rounds whose candidate answered the gate suite, with those marked that no other one beats (Pareto). */
export function readFrontier(
  store: Store,
  runId: string,
  rounds: readonly Pick<RoundReport, "round" | "decision">[],
): FrontierPoint[] {
  const points = rounds.flatMap(({ round, decision }) => {
    if (!decision?.gate) return [];
    const { gate, retention, outcome } = decision;
    const tokens = store.observed.tokens(runId, round);
    const shareOf = ({ candidate, tasks }: typeof gate) => candidate.ok / tasks;
    return [
      { round, outcome, tokens, gate: shareOf(gate), retention: retention && shareOf(retention) },
    ];
  });
  return points.map((point) => ({
    ...point,
    efficient: !points.some((other) => beats(other, point)),
  }));
}

type Costs = Pick<FrontierPoint, "gate" | "retention" | "tokens">;

function beats(a: Costs, b: Costs): boolean {
  const better = [a.gate - b.gate, (a.retention ?? 0) - (b.retention ?? 0), b.tokens - a.tokens];
  return better.every((each) => each >= 0) && better.some((each) => each > 0);
}

/** Gate, retention and cost by round; `*` stands where no other round is better. */
export function frontierTable({ frontier }: Pick<RunReport, "frontier">): {
  header: string[];
  rows: string[][];
} {
  const rows = frontier.map(({ round, gate, retention, tokens, outcome, efficient }) => [
    `${round}${efficient ? " *" : ""}`,
    percent(gate),
    retention === null ? "–" : percent(retention),
    figure(tokens),
    outcome,
  ]);
  const header = ["round (* none better)", "gate right", "retention right", "tokens", "decision"];
  return { header, rows };
}

import { nearestToMargin, usedOf } from "../core/retention.js";
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
    const { gate, retention, retentionSuites, outcome } = decision;
    const tokens = paid
      .filter((row) => row.round === round)
      .reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0);
    const shareOf = ({ candidate, tasks }: typeof gate) => candidate.ok / tasks;
    return [
      {
        ...{ round, outcome, tokens, trained: training?.tokens ?? 0 },
        ...{ gate: shareOf(gate), retention: retention && shareOf(retention) },
        ...(retentionSuites && {
          retentionSuites: retentionSuites.map((each) => ({
            name: each.name,
            right: shareOf(each.comparison),
            used: usedOf(each),
          })),
        }),
      },
    ];
  });
  return points.map((point) => ({
    ...point,
    efficient: !points.some((other) => beats(other, point)),
  }));
}

type Costs = Pick<FrontierPoint, "gate" | "retention" | "retentionSuites" | "tokens" | "trained">;

function beats(a: Costs, b: Costs): boolean {
  const better = [
    ...[a.gate - b.gate, (a.retention ?? 0) - (b.retention ?? 0)],
    ...(a.retentionSuites ?? []).map(({ right }, i) => right - b.retentionSuites![i]!.right),
    ...[b.tokens - a.tokens, b.trained - a.trained],
  ];
  return better.every((each) => each >= 0) && better.some((each) => each > 0);
}

/** Of the section that compares rounds. */
export const frontierTitle = "What rounds gave for their tokens";

/** The suite that a round brought nearest to its margin, or furthest beyond it; undefined where suites have no names. */
export function nearestSuite({ retentionSuites }: Pick<FrontierPoint, "retentionSuites">) {
  return nearestToMargin(retentionSuites ?? [], ({ used }) => used);
}

/** How much of a margin the loss may take at worst: "62%". */
function usedText(used: number): string {
  return Number.isFinite(used) ? `${Math.round(used * 100)}%` : "more than none";
}

/**
 * Gate, retention and cost by round; `*` stands where no other round is better. Empty with one round, which nothing is held
 * against. Retention suites with names have a column each, so that a column can be read downwards, and one says which was
 * nearest to its margin.
 */
export function frontierTable({ frontier }: Pick<RunReport, "frontier">): {
  header: string[];
  rows: string[][];
} {
  const compared = frontier.length < 2 ? [] : frontier;
  const names = compared[0]?.retentionSuites?.map(({ name }) => name) ?? [];
  const rows = compared.map((point) => [
    `${point.round}${point.efficient ? " *" : ""}`,
    percent(point.gate),
    ...retentionCells(point),
    figure(point.tokens),
    figure(point.trained),
    point.outcome,
  ]);
  const retained =
    names.length === 0
      ? ["retention right"]
      : [...names.map((name) => `${name} right`), "nearest to its margin (of it used)"];
  const header = ["round (* none better)", "gate right", ...retained];
  return { header: [...header, "tokens asked", "tokens trained on", "decision"], rows };
}

function retentionCells(point: FrontierPoint): string[] {
  const { retention, retentionSuites } = point;
  const nearest = nearestSuite(point);
  if (retentionSuites === undefined || nearest === undefined) {
    return [retention === null ? "–" : percent(retention)];
  }
  return [
    ...retentionSuites.map(({ right }) => percent(right)),
    `${nearest.name} (${usedText(nearest.used)})`,
  ];
}

import type { Decision, Evaluation, PairedComparison } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { points } from "../core/points.js";
import type { Suite } from "../core/round.js";
import { alphaForLook, comparePaired } from "../stats/index.js";
import type { StageInput, StageOutput } from "./types.js";

const confidence = 0.95;

/**
 * The decision. The candidate is promoted when a paired exact test over the gate suite says that it
 * is better, at a level that allows for every look of the run, and when the retention suite says
 * that it is not worse than the base weights by more than the margin. Anything else keeps the incumbent.
 */
export async function gate(input: StageInput): Promise<StageOutput> {
  const decision = decide(input);
  return { rows: { decision }, summary: { decision: decision.outcome, reason: decision.reason } };
}

function decide(input: StageInput): Decision {
  const { recipe, rows } = input;
  const alpha = alphaForLook(recipe.gate.alpha, recipe.rounds);
  if (rows.candidate === null) {
    const reason = `no candidate: ${rows.noCandidate ?? "retraining gave none"}`;
    return { outcome: "skipped", reason, gate: null, retention: null, alpha };
  }
  if (rows.candidate.sha256 === input.incumbent?.sha256) {
    const reason = "training gave the incumbent's weights again";
    return { outcome: "rejected", reason, gate: null, retention: null, alpha };
  }
  const gate = compare(input, "gate", input.incumbent?.sha256 ?? null) as PairedComparison;
  // Against the base weights, not the incumbent: small losses of many promotions add up.
  const retention = compare(input, "retention", null);
  const better = gate.pBetter <= alpha;
  if (recipe.retention !== null && retention === null) {
    throw new RedistillError(
      "internal",
      "the base weights have not answered the retention suite, so nothing can be said of forgetting",
      "Please report it with the run's database.",
    );
  }
  const margin = recipe.retention?.margin ?? 1;
  const kept = retention === null || retention.low >= -margin;
  const figures = `gate ${points(gate.difference)} points (${gate.gained} gained, ${gate.lost} lost, p ${gate.pBetter.toPrecision(2)}, level ${alpha.toPrecision(2)})`;
  const retained =
    retention === null
      ? "no retention suite"
      : `retention ${points(retention.difference)} points, at worst ${points(retention.low)} (margin ${points(-margin)})`;
  if (better && kept) {
    return { outcome: "promoted", reason: `${figures}; ${retained}`, gate, retention, alpha };
  }
  const why = better ? "forgets too much" : "not shown to be better";
  return { outcome: "rejected", reason: `${why}: ${figures}; ${retained}`, gate, retention, alpha };
}

function compare(
  { rows, candidate }: StageInput,
  suite: Suite,
  baseline: string | null,
): PairedComparison | null {
  const of = (adapter: string | null): readonly Evaluation[] =>
    rows.evaluations.find((answers) => answers.suite === suite && answers.adapter === adapter)
      ?.items ?? [];
  const before = of(baseline);
  const after = of(candidate?.sha256 ?? null);
  return before.length === 0 ? null : comparePaired(before, after, confidence);
}

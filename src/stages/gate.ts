import type { Decision, Evaluation, Look, PairedComparison } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { attemptsText, lookDifference, lookText } from "../core/look.js";
import { points } from "../core/points.js";
import type { Suite } from "../core/round.js";
import { alphaForLook, comparePaired } from "../stats/index.js";
import { isIncumbent, lookAt, planOf } from "./support/look.js";
import type { StageInput, StageOutput } from "./types.js";

const confidence = 0.95;

/**
 * The decision. The candidate is promoted when the gate suite says that it is better, by a paired exact
 * test over all of it or by a bet that ends as soon as it is decided, at a level that allows for every
 * look of the run, and when the retention suite says that it is not worse than the base weights by more
 * than the margin. Anything else keeps the incumbent.
 */
export async function gate(input: StageInput): Promise<StageOutput> {
  const decision = decide(input);
  return { rows: { decision }, summary: { decision: decision.outcome, reason: decision.reason } };
}

function decide(input: StageInput): Decision {
  const { recipe, rows } = input;
  const sequential = recipe.gate.test === "sequential";
  const alpha = sequential ? planOf(input).level : alphaForLook(recipe.gate.alpha, recipe.rounds);
  if (rows.candidate === null) {
    const reason = `no candidate: ${rows.noCandidate ?? "retraining gave none"}`;
    return { outcome: "skipped", reason, gate: null, retention: null, alpha };
  }
  if (isIncumbent(input)) {
    const reason = "training gave the incumbent's weights again";
    return { outcome: "rejected", reason, gate: null, retention: null, alpha };
  }
  const { better, figures, ...evidence } = sequential ? bet(input, alpha) : exact(input, alpha);
  // Against the base weights, not the incumbent: small losses of many promotions add up.
  const retention = compare(input, "retention", null);
  if (recipe.retention !== null && retention === null) {
    throw new RedistillError(
      "internal",
      "the base weights have not answered the retention suite, so nothing can be said of forgetting",
      "Please report it with the run's database.",
    );
  }
  const margin = recipe.retention?.margin ?? 1;
  const kept = retention === null || retention.low >= -margin;
  const retained =
    retention === null
      ? "no retention suite"
      : `retention ${points(retention.difference)} points, at worst ${points(retention.low)} (margin ${points(-margin)})`;
  const found = { ...evidence, retention, alpha };
  if (better && kept) {
    return { outcome: "promoted", reason: `${figures}; ${retained}`, ...found };
  }
  const why = better ? "forgets too much" : "not shown to be better";
  return { outcome: "rejected", reason: `${why}: ${figures}; ${retained}`, ...found };
}

/** What the gate suite says, and the figures that it says it by. */
interface Seen {
  readonly better: boolean;
  readonly figures: string;
  readonly gate: PairedComparison;
  readonly look?: Look;
}

function exact(input: StageInput, level: number): Seen {
  const gate = compare(input, "gate", input.incumbent?.sha256 ?? null) as PairedComparison;
  const figures = `gate ${points(gate.difference)} points (${gate.gained} gained, ${gate.lost} lost, p ${gate.pBetter.toPrecision(2)}, level ${level.toPrecision(2)})`;
  return { better: gate.pBetter <= level, figures, gate };
}

function bet(input: StageInput, level: number): Seen {
  const { look, before, after } = lookAt(input);
  const figures = `gate ${points(lookDifference(look))} points${attemptsText(look)} (${lookText(look, level)})`;
  const gate = comparePaired(before, after, confidence);
  return { better: look.outcome === "better", figures, gate, look };
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

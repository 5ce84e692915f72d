import type { Decision, Evaluation, Look, PairedComparison } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { attemptsText, lookDifference, lookText } from "../core/look.js";
import { points } from "../core/points.js";
import {
  isKept,
  type Retained,
  retentionFields,
  retentionLabel,
  retentionSuites,
} from "../core/retention.js";
import type { Suite } from "../core/round.js";
import { alphaForLook, comparePaired } from "../stats/index.js";
import { isIncumbent, lookAt, planOf } from "./support/look.js";
import type { StageInput, StageOutput } from "./types.js";

const confidence = 0.95;

/**
 * The decision. The candidate is promoted when the gate suite says that it is better, by a paired exact
 * test over all of it or by a bet that ends as soon as it is decided, at a level that allows for every
 * look of the run, and when every retention suite says that it is not worse than the base weights by more
 * than its margin. Anything else keeps the incumbent.
 *
 * All suites must hold, so that no level is corrected for their number: the intersection-union test (Berger 1982,
 * "Multiparameter Hypothesis Testing and Acceptance Sampling", Technometrics 24, 295-300).
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
  const retained = compareRetention(input);
  const lost = retained.filter((each) => !isKept(each));
  const told = retained.length === 0 ? "no retention suite" : retained.map(retainedText).join("; ");
  const found = { ...evidence, ...retentionFields(retained), alpha };
  if (better && lost.length === 0) {
    return { outcome: "promoted", reason: `${figures}; ${told}`, ...found };
  }
  const why = better ? forgetsText(lost) : "not shown to be better";
  return { outcome: "rejected", reason: `${why}: ${figures}; ${told}`, ...found };
}

function retainedText({ name, margin, comparison }: Retained): string {
  const { difference, low } = comparison;
  return `${retentionLabel(name)} ${points(difference)} points, at worst ${points(low)} (margin ${points(-margin)})`;
}

/** Names the suites that did, where they have names. */
function forgetsText(lost: readonly Retained[]): string {
  const names = lost.flatMap(({ name }) => name ?? []);
  return `forgets too much${names.length === 0 ? "" : ` of ${names.join(" and ")}`}`;
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

/** Every retention suite with its margin, in the recipe's order. */
function compareRetention(input: StageInput): Retained[] {
  return retentionSuites(input.recipe.retention).map(({ name, margin }) => {
    const own = input.tasks.retention.filter(({ suite }) => name === null || suite === name);
    const ids = new Set(own.map(({ id }) => id));
    const comparison = compare(input, "retention", null, ({ taskId }) => ids.has(taskId));
    if (comparison !== null) return { name, margin, comparison };
    throw new RedistillError(
      "internal",
      `the base weights have not answered the ${name === null ? "" : `${name} `}retention suite, so nothing can be said of forgetting`,
      "Please report it with the run's database.",
    );
  });
}

function compare(
  { rows, candidate }: StageInput,
  suite: Suite,
  baseline: string | null,
  wanted: (answer: Evaluation) => boolean = () => true,
): PairedComparison | null {
  const of = (adapter: string | null): readonly Evaluation[] =>
    rows.evaluations
      .find((answers) => answers.suite === suite && answers.adapter === adapter)
      ?.items.filter(wanted) ?? [];
  const before = of(baseline);
  const after = of(candidate?.sha256 ?? null);
  return before.length === 0 ? null : comparePaired(before, after, confidence);
}

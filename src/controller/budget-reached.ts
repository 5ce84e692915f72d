import {
  type Amounts,
  amountNumber,
  amountText,
  type BudgetKind,
  roundedUp,
} from "../core/budget.js";
import { PausedError } from "../core/errors.js";
import type { Night } from "../core/night.js";
import { outlookOf, outlookText, type RoundSpend } from "../core/outlook.js";
import type { RunRow } from "../store/runs.js";

/** Which budget has less left than the next step could take. */
export interface Reached {
  readonly kind: BudgetKind;
  readonly limit: bigint;
  readonly scope: "run" | "night";
  readonly spent: Amounts;
  readonly wanted: Amounts;
  readonly night: Night;
}

/** Says which budget was reached, what was spent, what going on would take, and how to go on. */
export function budgetReached(
  run: Pick<RunRow, "id" | "recipe">,
  reached: Reached,
  rounds: readonly RoundSpend[],
): PausedError {
  const { kind, limit, scope, spent, wanted, night } = reached;
  const outlook = outlookOf(rounds, run.recipe.rounds);
  const next =
    wanted[kind] > 1n ? `, and the next step could take ${amountNumber(kind, wanted[kind])}` : "";
  const budget = `budget of ${amountText(kind, limit)}${scope === "night" ? ` for the night of ${night.name}` : ""}`;
  // Without an estimate, as much again.
  let more = outlook?.left[kind] || limit;
  if (more < wanted[kind]) more = wanted[kind];
  const key = scope === "night" ? `night.${kind}` : kind;
  const raise = `redistill resume ${run.id} --budget ${key}=${roundedUp(kind, spent[kind] + more)}`;
  const wait =
    scope === "night"
      ? `The next night begins at ${localTime(night.end, run.recipe.budget.timeZone)}; then: redistill resume ${run.id}. Or now`
      : "Go on";
  return new PausedError(
    "budget",
    `run ${run.id} has come to the end of its ${budget}: ${amountNumber(kind, spent[kind])} spent${next}`,
    `${outlookText(outlook)} ${wait} with a larger budget: ${raise}`,
  );
}

function localTime(moment: Date, timeZone: string | null): string {
  return moment.toLocaleString("sv-SE", {
    ...(timeZone === null ? {} : { timeZone }),
    dateStyle: "short",
    timeStyle: "short",
  });
}

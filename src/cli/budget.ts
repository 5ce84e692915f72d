import { type Budget, type BudgetKind, budgetKinds, budgetSchema } from "../core/budget.js";
import { RedistillError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";

const nightKeys = budgetKinds.map((kind) => `night.${kind}` as const);
const keys: readonly string[] = [...budgetKinds, ...nightKeys];

/**
 * A budget with the changes that `--budget` names, such as `tokens=2000000`, `night.money=1.5` or
 * `minutes=none`.
 *
 * @throws RedistillError `usage` naming what can be given.
 */
export function withBudgets(budget: Budget, changes: readonly string[]): Budget {
  const changed: Budget = { ...budget, night: { ...budget.night } };
  for (const change of changes) {
    const [key = "", amount = ""] = change.split("=");
    if (!keys.includes(key)) {
      const close = nearest(key, keys);
      throw wrong(change, `${close ? `did you mean ${close}? ` : ""}It takes ${keys.join(", ")}`);
    }
    const value = amount === "none" ? null : Number(amount || Number.NaN);
    const kind = key.replace("night.", "") as BudgetKind;
    if (key.startsWith("night.")) changed.night[kind] = value;
    else changed[kind] = value;
    const parsed = budgetSchema.safeParse(changed);
    if (!parsed.success) throw wrong(change, parsed.error.issues[0]?.message ?? "not an amount");
  }
  return changed;
}

function wrong(change: string, why: string): RedistillError {
  return new RedistillError(
    "usage",
    `--budget ${change}: ${why}`,
    "Give an amount, or none: --budget tokens=2000000, --budget night.money=1.5, --budget minutes=none.",
  );
}

import { type Budget, type BudgetKind, budgetKinds, budgetSchema } from "../core/budget.js";
import { RedistillError } from "../core/errors.js";
import { canonicalJson } from "../core/hash.js";
import { requirePriced } from "../core/money.js";
import { nearest } from "../core/nearest.js";
import type { Recipe } from "../core/recipe.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

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

/**
 * Gives a run a changed budget or price table; call it while the run is held. What the run has done
 * stays as it is, since neither changes an answer.
 *
 * @throws RedistillError `usage` for a budget of money without a price.
 */
export function adoptBudget(
  store: Store,
  run: RunRow,
  wanted: Pick<Recipe, "budget" | "prices">,
  say: (text: string) => void,
): void {
  const { budget, prices } = wanted;
  const { recipe } = run;
  requirePriced({ ...recipe, budget, prices });
  const before = { budget: recipe.budget, prices: recipe.prices };
  if (canonicalJson(before) === canonicalJson({ budget, prices })) return;
  const text = describe(budget);
  store.transaction(() => {
    store.runs.setBudget(run.id, { budget, prices });
    store.events.append(run.id, null, "budget", { text, budget, prices });
  });
  say(`Budget of ${run.id}: ${text}.`);
}

function describe(budget: Budget): string {
  const of = (limits: Budget["night"], prefix: string) =>
    budgetKinds.flatMap((kind) =>
      limits[kind] === null ? [] : [`${prefix}${kind} ${limits[kind]}`],
    );
  return [...of(budget, ""), ...of(budget.night, "night.")].join(", ") || "none";
}

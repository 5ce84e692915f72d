import { describeBudget } from "../core/budget.js";
import { canonicalJson } from "../core/hash.js";
import { requirePriced } from "../core/money.js";
import { type Changeable, changeable } from "../core/recipe.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { commitAt } from "./commit.js";

/**
 * Gives a run the changed ones among the settings that change no answer; call it while the run is
 * held. What the run has done stays as it is.
 *
 * @returns which settings are others now, for people.
 * @throws RedistillError `usage` for a budget of money without a price.
 */
export function adoptSettings(store: Store, run: RunRow, wanted: Changeable): string[] {
  const { recipe } = run;
  requirePriced({ ...recipe, ...wanted });
  const changed = changeable.filter(
    (key) => canonicalJson(recipe[key]) !== canonicalJson(wanted[key]),
  );
  if (changed.length === 0) return [];
  const settings = Object.fromEntries(changed.map((key) => [key, wanted[key]]));
  const texts = changed.map((key) =>
    key === "budget" ? `budget (${describeBudget(wanted.budget)})` : key,
  );
  commitAt(store, "run:settings", () => {
    store.runs.change(run.id, settings);
    store.events.append(run.id, null, "settings", { text: texts.join(", "), ...settings });
  });
  return texts;
}

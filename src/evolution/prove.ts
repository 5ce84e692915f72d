import type { Proof } from "../core/evolution.js";
import { exactMcNemar, holm, tango } from "../stats/index.js";
import type { Fitness } from "./fitness.js";

/**
 * Finalists against their ancestor on tasks that none of them was bred on, paired by task: an exact sign test of
 * "fitter on this task" against "less fit" (the exact McNemar test of these counts), one-sided, adjusted for the
 * number of finalists by Holm. The interval is Tango's of (fitter - less fit) / tasks, two-sided at 1 - alpha.
 *
 * @param finalists Best first, as breeding had them; each tried on every task of the ancestor's.
 */
export function prove(
  ancestor: Fitness,
  finalists: readonly { readonly id: string; readonly fitness: Fitness }[],
  alpha: number,
): Omit<Proof, "path">[] {
  const counted = finalists.map(({ id, fitness }) => {
    const pairs = [...ancestor].map(([task, before]) => [before, fitness.get(task) ?? 0] as const);
    const better = pairs.filter(([before, after]) => after > before).length;
    const worse = pairs.filter(([before, after]) => after < before).length;
    return { id, tasks: pairs.length, better, worse, p: exactMcNemar(better, worse).better };
  });
  const adjusted = holm(counted.map(({ p }) => p));
  return counted.map(({ id, tasks, better, worse, p }, position) => {
    const pAdjusted = adjusted[position]!;
    const { low, high } = tango(better, worse, tasks, 1 - alpha);
    const figures = { tasks, better, worse, low, high, p, pAdjusted };
    return { candidate: id, position, ...figures, won: pAdjusted <= alpha };
  });
}

import { nearDuplicates, type TextItem } from "../../core/similarity.js";
import type { StageInput } from "../types.js";

/** Which of these texts (nearly) are a held-out task: the id of each, with that of its twin. */
export function heldOutTwins(
  { recipe, tasks }: Pick<StageInput, "recipe" | "tasks">,
  texts: readonly TextItem[],
): Map<string, string> {
  const held = [...tasks.gate, ...tasks.sealed, ...tasks.retention];
  const pairs = nearDuplicates(
    held.map((task) => ({ id: task.id, text: task.prompt })),
    texts,
    recipe.curate.nearDuplicate,
  );
  // Most similar first, and the last of a key stays in a map.
  return new Map(pairs.toReversed().map((pair) => [pair.trainId, pair.heldOutId]));
}

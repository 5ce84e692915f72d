import type { Decision } from "../core/entities.js";
import { plateauOf, plateauText } from "../core/plateau.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** Why the rounds that a run has left are not begun, from its decisions; null where they are. */
export function stopsEarly(store: Store, { id, recipe }: RunRow): string | null {
  const last = recipe.stop === null ? null : store.rounds.last(id);
  if (recipe.stop === null || last === null || last.number >= recipe.rounds) return null;
  const read = Math.min(recipe.stop.afterRounds, last.number);
  const decisions = Array.from({ length: read }, (_, i) => last.number - read + 1 + i)
    .map((number) => store.rounds.decision(id, number))
    .filter((decision): decision is Decision => decision !== null);
  const plateau = plateauOf(recipe.stop, decisions);
  return plateau && plateauText(plateau);
}

import type { Decision } from "../core/entities.js";
import { plateauOf, plateauText } from "../core/plateau.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** Why the rounds that a run has left are not begun, from its decisions; null where they are. */
export function stopsEarly(store: Store, { id, recipe }: RunRow): string | null {
  const rounds = store.rounds.all(id);
  if (recipe.stop === null || rounds.length >= recipe.rounds) return null;
  const decisions = rounds
    .slice(-recipe.stop.afterRounds)
    .map(({ number }) => store.rounds.decision(id, number))
    .filter((decision): decision is Decision => decision !== null);
  const plateau = plateauOf(recipe.stop, decisions);
  return plateau && plateauText(plateau);
}

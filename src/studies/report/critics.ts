import { detectionFigures } from "../../stats/index.js";
import type { Store } from "../../store/store.js";
import type { StudyOutcomes } from "../outcomes.js";
import type { ArmCritic } from "./report.js";

/** How each arm's critiques did on answers of which the verifier knows what they are, over all its runs. */
export function readCritics(store: Store, { arms, outcomes }: StudyOutcomes): ArmCritic[] {
  return arms.flatMap(({ id }): ArmCritic[] => {
    const rounds = outcomes
      .filter(({ arm }) => arm === id)
      .flatMap(({ runId }) =>
        store.rounds.all(runId).map(({ number }) => ({
          // Two seeds may examine the same answer: it is another item.
          own: (item: string) => `${runId} ${number} ${item}`,
          rows: store.rounds.load(runId, number),
        })),
      );
    const examined = rounds.flatMap(({ own, rows }) =>
      rows.examined.map((each) => ({ ...each, id: own(each.id) })),
    );
    const mended = rounds.flatMap(({ own, rows }) =>
      rows.mended.map((each) => ({ ...each, examinedId: own(each.examinedId) })),
    );
    if (examined.length === 0) return [];
    return [{ arm: id, figures: detectionFigures(examined, mended) }];
  });
}

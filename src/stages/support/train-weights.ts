import { faultOf, hopelessFaults, messageOf, trainingFaults } from "../../core/errors.js";
import { seedFor } from "../../core/hash.js";
import type { TrainingResult } from "../../core/ports.js";
import type { WeightSettings } from "../../core/retrain.js";
import { trainingSettings } from "../../core/training-settings.js";
import type { StageInput, StagePorts } from "../types.js";
import { nounOf, rendered, unusable } from "./lessons/index.js";

/** Training on the round's examples; a sentence where there are too few or it failed. */
export async function trainWeights(
  input: StageInput,
  ports: StagePorts,
  settings: WeightSettings,
): Promise<{ result: TrainingResult; parent: string | null } | string> {
  const { recipe, rows, incumbent, round } = input;
  const learned = rows.examples.filter(({ source }) => source !== "replay");
  if (learned.length < recipe.curate.minimum) {
    return `${learned.length} ${nounOf(settings)}, ${recipe.curate.minimum} needed`;
  }
  const reason = unusable(learned, settings);
  if (reason !== null) return reason;
  const parent = settings.from === "incumbent" ? (incumbent?.weights ?? null) : null;
  const job = {
    ...trainingSettings(settings),
    examples: rows.examples.map((example) => rendered(example, input, ports)),
    parent,
    seed: seedFor(recipe.seed, "retrain", round),
  };
  try {
    return { result: await ports.train(job), parent: parent?.sha256 ?? null };
  } catch (error) {
    const faults = [...trainingFaults, ...hopelessFaults];
    const fault = faults.find((each) => each === faultOf(error));
    if (fault === undefined) throw error;
    return `training failed (${fault}): ${messageOf(error)}`;
  }
}

import { faultOf, hopelessFaults, messageOf, trainingFaults } from "../core/errors.js";
import { seedFor } from "../core/hash.js";
import type { TrainingResult } from "../core/ports.js";
import { trainingSettings } from "../core/training-settings.js";
import { nounOf, rendered, unusable } from "./support/lessons/index.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/** LoRA training of the candidate on the round's examples; nothing where there are too few. */
export async function retrain(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe, rows, incumbent, round } = input;
  const { from } = recipe.retrain;
  const learned = rows.examples.filter(({ source }) => source !== "replay");
  if (learned.length < recipe.curate.minimum) {
    const noun = nounOf(recipe.retrain);
    return skipped(`${learned.length} ${noun}, ${recipe.curate.minimum} needed`);
  }
  const reason = unusable(learned, recipe.retrain);
  if (reason !== null) return skipped(reason);
  const parent = from === "incumbent" ? incumbent : null;
  const job = {
    ...trainingSettings(recipe.retrain),
    examples: rows.examples.map((example) => rendered(example, input, ports)),
    parent,
    seed: seedFor(recipe.seed, "retrain", round),
  };
  let result: TrainingResult;
  try {
    result = await ports.train(job);
  } catch (error) {
    const faults = [...trainingFaults, ...hopelessFaults];
    const fault = faults.find((each) => each === faultOf(error));
    if (fault === undefined) throw error;
    return skipped(`training failed (${fault}): ${messageOf(error)}`);
  }
  const candidate = {
    sha256: result.sha256,
    modelDigest: ports.modelDigest,
    parent: parent?.sha256 ?? null,
    ggufPath: result.ggufPath,
    peftPath: result.peftPath,
    round,
    finalLoss: result.finalLoss,
    tokens: result.tokens,
    seconds: result.seconds,
  };
  return {
    rows: { candidate },
    summary: {
      examples: rows.examples.length,
      ...(result.finalLoss === null ? {} : { loss: Number(result.finalLoss.toFixed(3)) }),
      "tokens/s": Math.round(result.tokens / Math.max(result.seconds, 0.001)),
      ...(result.rewardModel === undefined ? {} : { "reward model": told(result.rewardModel) }),
      ...(result.eased === undefined ? {} : { eased: result.eased }),
    },
  };
}

function told({ right, pairs }: NonNullable<TrainingResult["rewardModel"]>): string {
  return `${right} of ${pairs} held-out pairs`;
}

function skipped(reason: string): StageOutput {
  return { rows: { noCandidate: reason }, summary: { skipped: reason } };
}

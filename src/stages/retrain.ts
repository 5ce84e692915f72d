import { sha256 } from "../core/hash.js";
import { type Memory, memoryText, nothingNew } from "../core/memory.js";
import type { TrainingResult } from "../core/ports.js";
import { distils, memorySettings } from "../core/retrain.js";
import type { AdapterRow } from "../core/round.js";
import { distilLessons } from "./support/memory/distil.js";
import { makeMemory } from "./support/memory/index.js";
import { trainWeights } from "./support/train-weights.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * The candidate: weights trained on the round's examples, a memory made of its answers and
 * critiques, or both; nothing where there is too little to learn from.
 */
export async function retrain(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { retrain: settings } = input.recipe;
  const remembers = memorySettings(input.recipe);
  const trained = settings.method === "memory" ? null : await trainWeights(input, ports, settings);
  const writes = input.recipe.longTerm?.write ?? false;
  if (typeof trained === "string") {
    return skipped(trained, writes ? { distilled: await distilLessons(input, ports) } : {});
  }
  const weights = trained && weightsOf(trained, input, ports);
  const summary = trained === null ? {} : trainingSummary(trained.result, input);
  const distilled = distils(input.recipe) ? await distilLessons(input, ports) : [];
  if (remembers === null) {
    return { rows: { candidate: weights, ...(writes ? { distilled } : {}) }, summary };
  }
  const { memory, figures } = await makeMemory(input, ports, remembers, distilled);
  if (isEmpty(memory)) {
    if (weights !== null) return { rows: { candidate: weights, distilled }, summary };
    return skipped("nothing to remember: no right answer and no lesson", { distilled });
  }
  const candidate = await remembered(memory, weights, input, ports);
  if (candidate.sha256 === input.incumbent?.sha256) {
    return skipped(nothingNew, { distilled });
  }
  return { rows: { candidate, distilled }, summary: { ...summary, ...figures } };
}

const isEmpty = ({ lessons, exemplars }: Memory) => lessons.length + exemplars.length === 0;

function weightsOf(
  { result, parent }: { result: TrainingResult; parent: string | null },
  { round }: StageInput,
  { modelDigest }: StagePorts,
): AdapterRow {
  const { sha256: weights, ggufPath, peftPath, finalLoss, tokens, seconds } = result;
  return {
    ...{ sha256: weights, modelDigest, parent, round },
    ...{ weights, ggufPath, peftPath, memoryPath: null, memory: null },
    ...{ finalLoss, tokens, seconds },
  };
}

/** Weights (null: the base model's) with a memory before them. */
async function remembered(
  memory: Memory,
  weights: AdapterRow | null,
  { incumbent, round }: StageInput,
  { modelDigest, remember }: StagePorts,
): Promise<AdapterRow> {
  const text = memoryText(memory, { model: modelDigest, weights: weights?.weights ?? null });
  const none = { weights: null, ggufPath: null, peftPath: null };
  return {
    ...(weights ?? { ...none, finalLoss: null, tokens: 0, seconds: 0 }),
    ...{ sha256: sha256(text), modelDigest, round, parent: incumbent?.sha256 ?? null },
    ...{ memoryPath: await remember(text), memory: text },
  };
}

function trainingSummary(result: TrainingResult, input: StageInput) {
  const { finalLoss, tokens, seconds, eased, rewardModel } = result;
  return {
    examples: input.rows.examples.length,
    ...(finalLoss === null ? {} : { loss: Number(finalLoss.toFixed(3)) }),
    "tokens/s": Math.round(tokens / Math.max(seconds, 0.001)),
    ...(rewardModel === undefined ? {} : { "reward model": told(rewardModel) }),
    ...(eased === undefined ? {} : { eased }),
  };
}

function told({ right, pairs }: NonNullable<TrainingResult["rewardModel"]>): string {
  return `${right} of ${pairs} held-out pairs`;
}

function skipped(reason: string, rows: StageOutput["rows"] = {}): StageOutput {
  return { rows: { noCandidate: reason, ...rows }, summary: { skipped: reason } };
}

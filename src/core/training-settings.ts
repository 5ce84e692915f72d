import type { TrainingSettings } from "./ports.js";
import { hasRewardModel, type TrainedMethod, type WeightSettings } from "./retrain.js";

/** A recipe's settings as a training job has them: what all methods have, and what only this one has. */
export function trainingSettings(retrain: WeightSettings): {
  readonly method: TrainedMethod;
  readonly trainer?: "mlx";
  readonly weights?: "full";
  readonly settings: TrainingSettings;
  readonly options: Readonly<Record<string, number | string>>;
} {
  const { method, settings, options, ...also } = plainSettings(retrain);
  const { reward: _reward, modelShare, rewardEpochs, ...rest } = options;
  // Without a reward model nothing of it is in the job: its name stays what it was.
  if (!hasRewardModel(retrain)) return { method, settings, options: rest, ...also };
  const share = retrain.method === "grpo" && retrain.reward === "mix" ? modelShare! : 1;
  return {
    method: "rlaif",
    settings,
    options: { ...rest, modelShare: share, rewardEpochs: rewardEpochs! },
    ...also,
  };
}

function plainSettings({ method, ...all }: WeightSettings) {
  const {
    from: _from,
    trainer,
    weights,
    rank,
    alpha,
    epochs,
    learningRate,
    tokensPerStep,
    warmupRatio,
    device,
    ...own
  } = all;
  // How examples came about is nothing that the trainer needs.
  const {
    weighting: _weighting,
    view: _view,
    pairs: _pairs,
    topLogprobs: _topLogprobs,
    solution: _solution,
    feedback: _feedback,
    ...options
  } = {
    ...{ weighting: null, view: null, pairs: null },
    ...{ topLogprobs: null, solution: null, feedback: null },
    ...own,
  };
  const settings = {
    ...(rank === undefined ? {} : { rank }),
    ...(alpha === undefined ? {} : { alpha }),
    ...{ epochs, learningRate, tokensPerStep, warmupRatio },
    // Left out where the machine decides, so that jobs keep the names that they had before.
    ...(device === "auto" ? {} : { device }),
  };
  return {
    ...{ method, settings, options: options as Readonly<Record<string, number | string>> },
    ...(trainer === "torch" ? {} : { trainer }),
    ...(weights === "lora" ? {} : { weights }),
  };
}

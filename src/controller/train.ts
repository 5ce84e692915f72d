import { faultOf, messageOf, RedistillError, trainingFaults } from "../core/errors.js";
import type { TrainingJob, TrainingResult, TrainingSettings } from "../core/ports.js";
import type { Store } from "../store/store.js";
import type { TrainingFaultRow } from "../store/training-faults.js";
import { commitAt } from "./commit.js";
import type { Observe } from "./progress.js";

export interface TrainThroughOptions {
  readonly store: Store;
  train(job: TrainingJob): Promise<TrainingResult>;
  readonly runId: string;
  readonly round: number;
  readonly signal: AbortSignal;
  readonly observe: Observe;
}

/** How often the batch is halved when memory runs out, and the rate when the loss diverges. */
const halvings = { out_of_memory: 2, nan_loss: 1 } as const;
/** The smallest batch that a recipe may have. */
const fewestTokens = 64;
/** A worker that died or fell silent may have been the machine's fault. */
const worthAnotherTry = ["crashed", "silent"];

/**
 * Trains a candidate, and sees the training through: out of memory, half the tokens a step; a loss
 * that diverges, half the learning rate; a dead worker, once more from its checkpoint. What was tried
 * is in rows, so that a resumed run goes on with the settings that come next.
 *
 * @throws RedistillError with the fault when no settings are left.
 */
export async function trainThrough(
  job: TrainingJob,
  options: TrainThroughOptions,
): Promise<TrainingResult> {
  const { store, runId, round, observe } = options;
  let deaths = 0;
  for (;;) {
    const faults = store.trainingFaults.of(runId, round);
    const settings = easedSettings(job.settings, faults);
    if (settings === null) throw givenUp(job.settings, faults);
    try {
      const result = await options.train({ ...job, settings });
      const eased = describe(job.settings, settings, faults);
      return eased === "" ? result : { ...result, eased };
    } catch (error) {
      const fault = faultOf(error);
      const mendable = trainingFaults.find((each) => each === fault);
      const died = worthAnotherTry.includes(fault ?? "") && deaths++ === 0;
      if (options.signal.aborted || (mendable === undefined && !died)) throw error;
      const reason = messageOf(error);
      commitAt(store, "train:failed", () => {
        if (mendable)
          store.trainingFaults.append(runId, round, { fault: mendable, message: reason });
        store.events.append(runId, round, "training-failed", { fault, reason });
      });
      observe({ kind: "note", text: `Training failed (${fault}): ${reason}` });
    }
  }
}

/** The settings to try after these faults; null when none is left that could help. */
export function easedSettings(
  settings: TrainingSettings,
  faults: readonly Pick<TrainingFaultRow, "fault">[],
): TrainingSettings | null {
  const count = (wanted: string) => faults.filter(({ fault }) => fault === wanted).length;
  const [memory, diverged] = [count("out_of_memory"), count("nan_loss")];
  if (memory > halvings.out_of_memory || diverged > halvings.nan_loss) return null;
  const tokensPerStep = Math.floor(settings.tokensPerStep / 2 ** memory);
  if (memory > 0 && tokensPerStep < fewestTokens) return null;
  return { ...settings, tokensPerStep, learningRate: settings.learningRate / 2 ** diverged };
}

/** "256 tokens a step (out_of_memory)", for the report; empty when nothing was changed. */
function describe(
  wanted: TrainingSettings,
  used: TrainingSettings,
  faults: readonly TrainingFaultRow[],
): string {
  const changes = [
    ...(used.tokensPerStep === wanted.tokensPerStep
      ? []
      : [`${used.tokensPerStep} tokens a step instead of ${wanted.tokensPerStep}`]),
    ...(used.learningRate === wanted.learningRate
      ? []
      : [`learning rate ${used.learningRate} instead of ${wanted.learningRate}`]),
  ];
  const why = [...new Set(faults.map(({ fault }) => fault))].join(", ");
  return changes.length === 0 ? "" : `${changes.join(", ")}, after ${why}`;
}

function givenUp(wanted: TrainingSettings, faults: readonly TrainingFaultRow[]): RedistillError {
  const last = faults.at(-1) as TrainingFaultRow;
  const tried = easedSettings(wanted, faults.slice(0, -1)) ?? wanted;
  const also = describe(wanted, tried, faults.slice(0, -1));
  const error = new RedistillError(
    "training",
    `${last.message}${also === "" ? "" : ` (tried with ${also} too)`}`,
    "Lower retrain.learningRate, retrain.tokensPerStep or retrain.rank.",
  );
  return Object.assign(error, { fault: last.fault });
}

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { easedSettings, trainThrough } from "../../src/controller/train.js";
import { RedistillError } from "../../src/core/errors.js";
import type { TrainingJob } from "../../src/core/ports.js";
import { trainingSettings } from "../../src/core/training-settings.js";
import { readReport, renderTerminal } from "../../src/report/index.js";
import type { Store } from "../../src/store/store.js";
import { scriptedRun, scriptedTrain, sumsRecipe } from "../support/scripted-run.js";

const own = trainingSettings(sumsRecipe(tmpdir()).retrain);
const { settings } = own;
const job: TrainingJob = { ...own, examples: [], parent: null, seed: 1 };
const result = {
  ...{ sha256: "a", ggufPath: "g", peftPath: "p" },
  ...{ finalLoss: 0.5, tokens: 1, seconds: 1 },
};

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "redistill-train-"));
  ({ store } = await scriptedRun(folder, sumsRecipe(folder)));
  store.transaction(() => store.rounds.begin("sums-1", 1, null));
});
afterEach(() => store.close());

const failure = (fault: string) =>
  Object.assign(new RedistillError("training", `told to fail with ${fault}`, "hint"), { fault });

/** Trains with a trainer that fails as listed, then succeeds; the jobs that it was given. */
async function trainWith(...faults: string[]) {
  const jobs: TrainingJob[] = [];
  const training = trainThrough(job, {
    ...{ store, runId: "sums-1", round: 1, signal: new AbortController().signal },
    observe: () => {},
    train: async (given) => {
      jobs.push(given);
      const fault = faults[jobs.length - 1];
      if (fault !== undefined) throw failure(fault);
      return result;
    },
  });
  const ended = await training.catch((error: unknown) => error as Error & { fault?: string });
  return { jobs: jobs.map(({ settings: used }) => [used.tokensPerStep, used.learningRate]), ended };
}

describe("a training that fails", () => {
  it("halves the tokens of a step when memory runs out, twice", async () => {
    const { jobs, ended } = await trainWith("out_of_memory", "out_of_memory");
    expect(jobs).toEqual([
      [512, 0.001],
      [256, 0.001],
      [128, 0.001],
    ]);
    expect(ended).toMatchObject({
      eased: "128 tokens a step instead of 512, after out_of_memory",
    });
  });

  it("gives up with the fault when that does not help", async () => {
    const { jobs, ended } = await trainWith("out_of_memory", "out_of_memory", "out_of_memory");
    expect(jobs).toHaveLength(3);
    expect(ended).toMatchObject({ fault: "out_of_memory" });
    expect((ended as Error).message).toContain("tried with 128 tokens a step instead of 512");
  });

  it("halves the learning rate once when the loss diverges", async () => {
    const { jobs, ended } = await trainWith("nan_loss");
    expect(jobs).toEqual([
      [512, 0.001],
      [512, 0.0005],
    ]);
    expect(ended).toMatchObject({ eased: "learning rate 0.0005 instead of 0.001, after nan_loss" });
  });

  it("gives up at the second divergence, and says what was tried", async () => {
    const { jobs, ended } = await trainWith("nan_loss", "nan_loss");
    expect(jobs).toHaveLength(2);
    expect(ended).toMatchObject({ fault: "nan_loss" });
  });

  it("tries both where both happen", async () => {
    const { jobs } = await trainWith("out_of_memory", "nan_loss");
    expect(jobs.at(-1)).toEqual([256, 0.0005]);
  });

  it.each(["crashed", "silent"])(
    "tries once more with the same job when the worker %s",
    async (fault) => {
      const { jobs, ended } = await trainWith(fault);
      expect(jobs).toEqual([
        [512, 0.001],
        [512, 0.001],
      ]);
      expect(ended).toEqual(result);
      expect((await trainWith(fault, fault)).ended).toMatchObject({ fault });
    },
  );

  it("does not try again what no other settings mend", async () => {
    const { jobs, ended } = await trainWith("bad_weights");
    expect([jobs.length, (ended as { fault?: string }).fault]).toEqual([1, "bad_weights"]);
  });

  it("goes on after a resume with the settings that come next", async () => {
    await trainWith("out_of_memory", "bad_weights");
    const { jobs } = await trainWith();
    expect(jobs).toEqual([[256, 0.001]]);
    await trainWith("nan_loss", "nan_loss");
    expect((await trainWith()).jobs).toEqual([]);
  });

  it("never takes fewer tokens a step than a recipe may have", () => {
    const oom = { fault: "out_of_memory" } as const;
    expect(easedSettings({ ...settings, tokensPerStep: 128 }, [oom])?.tokensPerStep).toBe(64);
    expect(easedSettings({ ...settings, tokensPerStep: 100 }, [oom])).toBeNull();
  });

  it("says in the report and in the events what happened", async () => {
    const honest = scriptedTrain(folder).train;
    let failed = false;
    const run = await scriptedRun(folder, sumsRecipe(folder), {
      train: async (given, options) => {
        if (!failed) {
          failed = true;
          throw failure("out_of_memory");
        }
        return honest(given, options);
      },
    });
    await run.work();
    const report = readReport(run.store, "sums-1");
    expect(report.rounds[0]!.training?.eased).toContain("256 tokens a step");
    expect(report.rounds[1]!.training?.eased).toBeNull();
    expect(report.howItWent.others).toEqual([{ what: "training failed", count: 1 }]);
    const text = renderTerminal(report);
    expect(text).toContain("Trained with 256 tokens a step instead of 512, after out_of_memory.");
    expect(text).toContain("training failed: once");
    run.store.close();
  });
});

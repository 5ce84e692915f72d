import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Train, TrainingJob, TrainingResult } from "../../src/core/ports.js";

export interface OpenedTrainer {
  /** A trainer with an empty folder of its own; several share nothing. */
  open(): Promise<Train>;
  /** A job of at least two steps. */
  readonly job: TrainingJob;
  /** A job that the trainer's worker refuses as `bad_job`. */
  readonly bad: TrainingJob;
  close(): Promise<void>;
}

/** What every trainer behind the port Train does, wherever it runs its jobs. */
export function trainerContract(name: string, opening: () => Promise<OpenedTrainer>): void {
  describe(`${name} as a trainer`, () => {
    let opened: OpenedTrainer;
    beforeAll(async () => {
      opened = await opening();
    });
    afterAll(() => opened?.close());

    const run = async (train: Train, job: TrainingJob, stopAtStep = Number.NaN) => {
      const steps: number[] = [];
      const controller = new AbortController();
      const onProgress = ({ step }: { step: number }) => {
        steps.push(step);
        if (step >= stopAtStep) controller.abort();
      };
      const result = await train(job, { signal: controller.signal, onProgress }).catch(
        (error: unknown) => error,
      );
      return { result, steps };
    };

    it("trains a job once, and gives its adapter again when it is asked again", async () => {
      const train = await opened.open();
      const first = await run(train, opened.job);
      const adapter = first.result as TrainingResult;
      expect(adapter).toMatchObject({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
      const file = readFileSync(adapter.ggufPath);
      expect(createHash("sha256").update(file).digest("hex")).toBe(adapter.sha256);
      expect(existsSync(join(adapter.peftPath, "adapter_model.safetensors"))).toBe(true);
      expect(first.steps.length).toBeGreaterThan(1);
      expect(await run(train, opened.job)).toEqual({ result: adapter, steps: [] });
    });

    it("goes on after it was cancelled, to the adapter of an undisturbed training", async () => {
      const undisturbed = await run(await opened.open(), opened.job);
      const train = await opened.open();
      const cancelled = await run(train, opened.job, 1);
      expect(cancelled.result).toMatchObject({ kind: "interrupted" });
      const resumed = await run(train, opened.job);
      expect((resumed.result as TrainingResult).sha256).toBe(
        (undisturbed.result as TrainingResult).sha256,
      );
    });

    it("says what is wrong with a bad job, and trains the next one", async () => {
      const train = await opened.open();
      const { result } = await run(train, opened.bad);
      expect(result).toMatchObject({ kind: "training", fault: "bad_job" });
      const none = await run(train, { ...opened.job, examples: [] });
      expect(none.result).toMatchObject({ message: expect.stringMatching(/no example/) });
      expect((await run(train, opened.job)).result).toHaveProperty("sha256");
    });
  });
}

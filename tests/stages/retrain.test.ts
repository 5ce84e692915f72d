import { describe, expect, it } from "vitest";
import type { Example } from "../../src/core/entities.js";
import { RedistillError, type TrainingFault } from "../../src/core/errors.js";
import type { WeightSettings } from "../../src/core/retrain.js";
import { retrain } from "../../src/stages/retrain.js";
import { adapterNamed, inputWith, portsWith, recipeWith, trained } from "./support.js";

const examples = (count: number, source: Example["source"] = "attempt"): Example[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `${source}-${n}`,
    taskId: `train-${n}`,
    source,
    sourceId: `${n}`,
    originRound: 1,
    messages: [{ role: "user", content: `question ${n}` }],
    completion: `answer ${n}`,
  }));

const failing = (message: string, fault?: TrainingFault | "something else") =>
  portsWith(undefined, () =>
    Promise.reject(
      Object.assign(new RedistillError("training", message, "hint"), fault ? { fault } : {}),
    ),
  );
const input = (changes: Parameters<typeof inputWith>[0] = {}) =>
  inputWith({ round: 2, rows: { examples: examples(8) }, ...changes });

describe("retrain", () => {
  it("trains on every example, rendered by the engine, with the recipe's settings", async () => {
    const ports = portsWith();
    const recipe = recipeWith({ retrain: { rank: 4, epochs: 2 } });
    const rows = { examples: [...examples(8), ...examples(2, "replay")] };
    await retrain(input({ recipe, rows }), ports);
    const learning = recipe.retrain as WeightSettings;
    const {
      method,
      from: _from,
      trainer: _trainer,
      device: _auto,
      weights: _lora,
      ...all
    } = learning;
    const { weighting: _weighting, ...settings } = { weighting: null, ...all };
    expect(ports.jobs).toHaveLength(1);
    expect(ports.jobs[0]!.examples).toHaveLength(10);
    expect(ports.jobs[0]!.examples[1]).toEqual({
      prompt: "<user>question 1",
      completion: "answer 1",
    });
    expect(ports.jobs[0]).toMatchObject({ method, options: {}, settings, parent: null });
  });

  it("makes the result the candidate", async () => {
    const ports = portsWith(undefined, async () => trained("sha"));
    const { rows, summary } = await retrain(input(), ports);
    expect(rows.candidate).toEqual({
      ...trained("sha"),
      ...{ weights: "sha", memoryPath: null, memory: null },
      modelDigest: "digest",
      parent: null,
      round: 2,
    });
    expect(rows.noCandidate).toBeUndefined();
    expect(summary).toMatchObject({ examples: 8, loss: 0.25, "tokens/s": 150 });
  });

  it("says no loss where the trainer could give none", async () => {
    const ports = portsWith(undefined, async () => ({ ...trained("sha"), finalLoss: null }));
    const { rows, summary } = await retrain(input(), ports);
    expect(rows.candidate?.finalLoss).toBeNull();
    expect(summary).not.toHaveProperty("loss");
  });

  it("skips the round, with the reason, where there are too few examples", async () => {
    const ports = portsWith();
    const rows = { examples: [...examples(7), ...examples(5, "replay")] };
    const output = await retrain(input({ rows }), ports);
    expect(output.rows).toEqual({ noCandidate: "7 examples, 8 needed" });
    expect(output.summary).toEqual({ skipped: "7 examples, 8 needed" });
    expect(ports.jobs).toEqual([]);
    const enough = recipeWith({ curate: { minimum: 7 } });
    expect((await retrain(input({ rows, recipe: enough }), ports)).rows.candidate).toBeDefined();
  });

  it.each(["nan_loss", "out_of_memory"] as const)("gives the round up on %s", async (fault) => {
    const { rows, summary } = await retrain(input(), failing("it went wrong", fault));
    expect(rows.candidate).toBeUndefined();
    expect(rows.noCandidate).toContain(fault);
    expect(rows.noCandidate).toContain("it went wrong");
    expect(summary).toEqual({ skipped: rows.noCandidate });
  });

  it("does not swallow any other error", async () => {
    await expect(retrain(input(), failing("killed"))).rejects.toThrow("killed");
    await expect(retrain(input(), failing("odd", "something else"))).rejects.toThrow("odd");
    const foreign = portsWith(undefined, () =>
      Promise.reject(Object.assign(new Error("foreign"), { fault: "nan_loss" })),
    );
    await expect(retrain(input(), foreign)).rejects.toThrow("foreign");
  });

  it("starts from the base weights or from the incumbent, as `from` says", async () => {
    const incumbent = adapterNamed("inc");
    const parents = async (from: string, before: typeof incumbent | null) => {
      const ports = portsWith();
      const recipe = recipeWith({ retrain: { from } });
      const { rows } = await retrain(input({ recipe, incumbent: before }), ports);
      return [ports.jobs[0]!.parent, rows.candidate!.parent];
    };
    expect(await parents("base", incumbent)).toEqual([null, null]);
    expect(await parents("incumbent", incumbent)).toEqual([incumbent.weights, "inc"]);
    expect(await parents("incumbent", null)).toEqual([null, null]);
  });

  it("has one seed for each round and recipe seed", async () => {
    const seedOf = async (changes: Parameters<typeof inputWith>[0]) => {
      const ports = portsWith();
      await retrain(input(changes), ports);
      return ports.jobs[0]!.seed;
    };
    const seed = await seedOf({});
    expect(await seedOf({})).toBe(seed);
    expect(await seedOf({ incumbent: adapterNamed("inc") })).toBe(seed);
    expect(await seedOf({ round: 3 })).not.toBe(seed);
    expect(await seedOf({ recipe: recipeWith({ seed: 6 }) })).not.toBe(seed);
  });
});

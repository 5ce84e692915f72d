import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Message } from "../../src/core/entities.js";
import { EmbeddedEngine } from "../../src/models/embedded/engine.js";
import { hashFile } from "../../src/setup/digest.js";
import { inspectModel } from "../../src/setup/gguf.js";
import { orderTasks } from "../../src/sources/orders.js";
import { mergeToGguf } from "../../src/training/export.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../../src/training/worker.js";
import { testModel, testPython } from "../support/machine.js";
import { inLlama, inTorch, marginsAtDifference, once } from "./support.js";

/** A logit margin this small is a tie between float32 torch and llama.cpp's quantised arithmetic. */
const tie = 0.4;

describe("the exported GGUF adapter", () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-"));
  const tasks = orderTasks(14, 5);
  const system: Message = { role: "system", content: "Write the order as one line" };
  const questions = tasks
    .slice(0, 6)
    .map(({ prompt }): Message[] => [system, { role: "user", content: prompt }]);
  let engine: EmbeddedEngine;
  let worker: TrainerWorker;
  let sha256 = "";

  beforeAll(async () => {
    ({ sha256 } = await inspectModel(testModel()));
    engine = await load(testModel(), sha256);
    worker = createTrainerWorker({
      python: testPython(),
      trainerDirectory: "trainer",
      logFile: join(folder, "trainer.log"),
    });
  });
  afterAll(async () => {
    await worker.dispose();
    await engine.dispose();
  });

  const load = (modelPath: string, modelSha256: string) =>
    EmbeddedEngine.load({ modelPath, modelSha256, contextTokens: 512, sequences: 8, threads: 0 });
  const asked = (peft: string | null) =>
    inTorch(
      worker,
      questions.map((messages) => engine.render(messages)),
      peft,
    );
  // The same for several tests: asked once.
  const rightInTorch = once(() => asked(join(folder, "right", "peft")));
  const baseInLlama = once(() => inLlama(engine, questions, null));

  /** A random adapter on q and k alone in `right/`, and one with rows in the wrong order. */
  function makeAdapters(): void {
    if (existsSync(join(folder, "wrong.gguf"))) return;
    const made = spawnSync(testPython(), ["tests/make_adapters.py", testModel(), folder], {
      cwd: "trainer",
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: ".", HF_HUB_OFFLINE: "1" },
    });
    expect(made.status, made.stderr).toBe(0);
  }

  it("answers as the PEFT adapter does in torch, after real training", async () => {
    const train = createTrainer({
      worker,
      model: { path: testModel(), sha256 },
      directory: join(folder, "adapters"),
    });
    const trained = await train(
      {
        method: "sft",
        options: {},
        examples: tasks.slice(6).map(({ prompt, reference }) => ({
          prompt: engine.render([system, { role: "user", content: prompt }]),
          completion: reference ?? "",
        })),
        parent: null,
        seed: 1,
        settings: {
          rank: 4,
          alpha: 8,
          epochs: 4,
          learningRate: 2e-3,
          tokensPerStep: 256,
          warmupRatio: 0.1,
        },
      },
      { signal: new AbortController().signal, onProgress: () => {} },
    );
    const torch = await asked(trained.peftPath);
    const llama = await inLlama(engine, questions, trained.ggufPath);
    expect(torch.map(({ prompt_tokens }) => prompt_tokens)).toEqual(
      questions.map((messages) => engine.tokenize(engine.render(messages))),
    );
    const margins = marginsAtDifference(torch, llama);
    expect(Math.max(...margins)).toBeLessThan(tie);
    // Ties are exceptions.
    expect(margins.filter((margin) => margin === 0).length).toBeGreaterThanOrEqual(3);
    // An answer with an adapter does not depend on the company either, or a resumed run would differ.
    const alone: number[][] = [];
    for (const question of questions)
      alone.push(...(await inLlama(engine, [question], trained.ggufPath)));
    expect(alone).toEqual(llama);
    // Trained answers are lines with bars; those of the base weights are not.
    const base = await asked(null);
    expect(torch.map(({ tokens }) => tokens)).not.toEqual(base.map(({ tokens }) => tokens));
  });

  it("has the rows of q and k where llama.cpp reads them, which training would hide", async () => {
    makeAdapters();
    const torch = await rightInTorch();
    const right = await inLlama(engine, questions, join(folder, "right", "adapter.gguf"));
    expect(Math.max(...marginsAtDifference(torch, right))).toBeLessThan(tie);
    // The comparison can fail: without the permutation it does.
    const wrong = await inLlama(engine, questions, join(folder, "wrong.gguf"));
    expect(Math.max(...marginsAtDifference(torch, wrong))).toBeGreaterThan(tie);
  });

  it.each([
    ["f16", 0.2],
    ["q8_0", tie],
  ] as const)("merged to %s answers as base and adapter do in torch", async (type, bound) => {
    makeAdapters();
    const [peftPath, ggufPath] = ["peft", "adapter.gguf"].map((name) =>
      join(folder, "right", name),
    );
    const adapter = { peftPath: peftPath!, ggufPath: ggufPath!, sha256: await hashFile(ggufPath!) };
    const base = { path: testModel(), sha256 };
    const steps: number[] = [];
    const file = await mergeToGguf(
      worker,
      { base, adapter, type, output: join(folder, `${type}.gguf`) },
      { onProgress: (step) => steps.push(step) },
    );
    expect(await hashFile(file.path)).toBe(file.sha256);
    expect(steps.at(-1)).toBe(272);
    const { architecture, name } = await inspectModel(file.path);
    expect([architecture, name]).toEqual(["llama", (await inspectModel(testModel())).name]);
    const merged = await load(file.path, file.sha256);
    try {
      const torch = await rightInTorch();
      const margins = marginsAtDifference(torch, await inLlama(merged, questions, null));
      expect(Math.max(...margins)).toBeLessThan(bound);
      // The adapter matters: the base alone answers otherwise.
      const unmerged = marginsAtDifference(torch, await baseInLlama());
      expect(Math.max(...unmerged)).toBeGreaterThan(tie);
    } finally {
      await merged.dispose();
    }
  });
});

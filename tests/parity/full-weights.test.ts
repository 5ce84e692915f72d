import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Adapter, Message } from "../../src/core/entities.js";
import type { TrainingResult } from "../../src/core/ports.js";
import type { EmbeddedChatModel } from "../../src/models/embedded/chat-model.js";
import { EmbeddedEngine } from "../../src/models/embedded/engine.js";
import { inspectModel } from "../../src/setup/gguf.js";
import { orderTasks } from "../../src/sources/orders.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../../src/training/worker.js";
import { testModel, testPython } from "../support/machine.js";
import { inLlama, inTorch, marginsAtDifference } from "./support.js";

/** A logit margin this small is a tie between float32 torch and llama.cpp's half precision. */
const tie = 0.1;

describe("a model all of whose weights were trained", () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-full-"));
  const tasks = orderTasks(14, 5);
  const system: Message = { role: "system", content: "Write the order as one line" };
  const asMessages = ({ prompt }: { prompt: string }): Message[] => [
    system,
    { role: "user", content: prompt },
  ];
  const questions = tasks.slice(0, 6).map(asMessages);
  let engine: EmbeddedEngine;
  let worker: TrainerWorker;
  let trained: TrainingResult;

  beforeAll(async () => {
    const { sha256 } = await inspectModel(testModel());
    engine = await EmbeddedEngine.load({
      ...{ modelPath: testModel(), modelSha256: sha256, contextTokens: 768, sequences: 8 },
      threads: 0,
    });
    worker = createTrainerWorker({
      ...{ python: testPython(), trainerDirectory: "trainer" },
      logFile: join(folder, "trainer.log"),
    });
    const train = createTrainer({
      worker,
      model: { path: testModel(), sha256 },
      directory: join(folder, "adapters"),
    });
    trained = await train(
      {
        ...{ method: "sft", weights: "full", options: {}, parent: null, seed: 1 },
        examples: tasks.slice(6).map((task) => ({
          prompt: engine.render(asMessages(task)),
          completion: task.reference ?? "",
        })),
        settings: { epochs: 3, learningRate: 2e-4, tokensPerStep: 256, warmupRatio: 0.1 },
      },
      { signal: new AbortController().signal, onProgress: () => {} },
    );
  });
  afterAll(async () => {
    await worker?.dispose();
    await engine?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const whole = (asked: readonly Message[][]) =>
    inLlama(engine, asked, trained.ggufPath, trained.peftPath);

  it("answers in the engine as in torch, alone as in company, and the base is as before", async () => {
    expect(trained.peftPath).toBe(trained.ggufPath);
    // Half precision, norms apart: two bytes for each of 135 million weights.
    expect(statSync(trained.ggufPath).size / 134_515_008).toBeCloseTo(2, 1);
    const before = await inLlama(engine, questions, null);
    const prompts = questions.map((messages) => engine.render(messages));
    const torch = await inTorch(worker, prompts, trained.peftPath);
    const llama = await whole(questions);
    const margins = marginsAtDifference(torch, llama);
    expect(Math.max(...margins)).toBeLessThan(tie);
    expect(margins.filter((margin) => margin === 0).length).toBeGreaterThanOrEqual(4);
    const alone: number[][] = [];
    for (const question of questions) alone.push(...(await whole([question])));
    expect(alone).toEqual(llama);
    expect(await inLlama(engine, questions, null)).toEqual(before);
    expect(llama).not.toEqual(before);
  });

  it("answers long prompts alone as in company, as sampled answers too", async () => {
    const adapter: Adapter = { ...trained, parent: null, round: 1 };
    const requests = Array.from({ length: 4 }, (_, i) => ({
      messages: [
        { role: "user", content: `Go on. ${`Ship ${i} left the harbour. `.repeat(85 + i)}` },
      ] as Message[],
      sampling: { temperature: 0.8, topP: 1, topK: 0, minP: 0, maxTokens: 24, seed: i },
    }));
    const answers = async (asked: typeof requests) => {
      const texts: string[] = [];
      const onResult: Parameters<EmbeddedChatModel["sample"]>[1]["onResult"] = (
        index,
        { text },
      ) => {
        texts[index] = text;
      };
      await engine.sample(asked, { adapter, signal: new AbortController().signal, onResult });
      return texts;
    };
    const together = await answers(requests);
    const alone = [];
    for (const request of requests) alone.push(...(await answers([request])));
    expect(alone).toEqual(together);
  });

  it("that cannot be loaded is told, and the base answers on", async () => {
    const path = join(folder, "cut.gguf");
    const whole = readFileSync(trained.ggufPath);
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    await expect(inLlama(engine, questions, path, path)).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("cannot load the trained model"),
      hint: expect.stringContaining("redistill verify"),
    });
    expect(await inLlama(engine, questions.slice(0, 1), null)).toHaveLength(1);
  });
});

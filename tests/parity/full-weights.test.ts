import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Adapter,
  type CallRequest,
  type Generation,
  isWholeModel,
  type Message,
} from "../../src/core/entities.js";
import type { TrainingResult } from "../../src/core/ports.js";
import { EmbeddedEngine } from "../../src/models/embedded/engine.js";
import { inspectModel } from "../../src/setup/gguf.js";
import { orderTasks } from "../../src/sources/orders.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../../src/training/worker.js";
import { greedySampling, testModel, testPython } from "../support/machine.js";
import { inTorch, maxTokens } from "./support.js";

/** Margins between the two likeliest tokens may differ by so much: llama.cpp rounds activations to half precision. */
const rounding = 0.1;

describe("a model all of whose weights were trained", () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-full-"));
  const tasks = orderTasks(14, 5);
  const system: Message = { role: "system", content: "Write the order as one line" };
  const asMessages = ({ prompt }: { prompt: string }): Message[] => [
    system,
    { role: "user", content: prompt },
  ];
  const questions = tasks.slice(0, 4).map(asMessages);
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

  const answersOf = async (
    asked: readonly CallRequest[],
    adapter: Adapter | null,
  ): Promise<Generation[]> => {
    const answers: Generation[] = [];
    await engine.sample(asked, {
      adapter,
      signal: new AbortController().signal,
      onResult: (index, generation) => {
        answers[index] = generation;
      },
    });
    return answers;
  };
  const whole = (): Adapter => ({ ...trained, parent: null, round: 1 });

  it("answers in the engine as in torch, token for token, and the base is as before", async () => {
    expect(isWholeModel(trained)).toBe(true);
    // Half precision, norms apart: two bytes for each of 135 million weights.
    expect(statSync(trained.ggufPath).size / 134_515_008).toBeCloseTo(2, 1);
    const asked = questions.map((messages) => ({
      ...{ messages, topLogprobs: 2 },
      sampling: greedySampling(maxTokens),
    }));
    const before = await answersOf(asked, null);
    const llama = await answersOf(asked, whole());
    const prompts = questions.map((messages) => engine.render(messages));
    const torch = await inTorch(worker, prompts, trained.peftPath);
    for (const [place, { tokens, margins }] of torch.entries()) {
      const logprobs = llama[place]!.logprobs!;
      expect(logprobs.map(({ id }) => id)).toEqual(tokens);
      const own = logprobs.map(({ top }) => top[0]!.logprob - top[1]!.logprob);
      const apart = own.map((margin, at) => Math.abs(margin - margins[at]!));
      expect(Math.max(...apart)).toBeLessThan(rounding);
    }
    const texts = (answers: Generation[]) => answers.map(({ text }) => text);
    expect(texts(await answersOf(asked, null))).toEqual(texts(before));
    expect(texts(llama)).not.toEqual(texts(before));
  });

  it("answers alone as in company, long prompts too", async () => {
    const contents = [
      ...[0, 1].map((i) => `Describe ship ${i}.`),
      ...[0, 1].map((i) => `Go on. ${`Ship ${i} left the harbour. `.repeat(85 + i)}`),
    ];
    const requests = contents.map((content, seed) => ({
      messages: [{ role: "user", content }] as Message[],
      sampling: { ...greedySampling(16), temperature: 0.8, seed },
    }));
    const together = await answersOf(requests, whole());
    expect(together[3]!.promptTokens).toBeGreaterThan(512);
    const alone = [];
    for (const request of requests) alone.push(...(await answersOf([request], whole())));
    expect(alone.map(({ text }) => text)).toEqual(together.map(({ text }) => text));
  });

  it("that cannot be loaded is told, and the base answers on", async () => {
    const path = join(folder, "cut.gguf");
    const content = readFileSync(trained.ggufPath);
    writeFileSync(path, content.subarray(0, content.length / 2));
    const cut = { ...whole(), sha256: "c".repeat(64), ggufPath: path, peftPath: path };
    const asked = [{ messages: questions[0]!, sampling: greedySampling(2) }];
    await expect(answersOf(asked, cut)).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("cannot load the trained model"),
      hint: expect.stringContaining("redistill verify"),
    });
    expect(await answersOf(asked, null)).toHaveLength(1);
  });
});

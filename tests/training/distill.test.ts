import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { CallRequest, Generation } from "../../src/core/entities.js";
import type { EmbeddedChatModel } from "../../src/models/embedded/chat-model.js";
import { packLogprobs, unpackLogprobs } from "../../src/store/logprobs.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker } from "../../src/training/worker.js";
import { answersOf, requestOf } from "../contract/chat-model.js";
import { loadEngine, startEngineProcess, testModel, testPython } from "../support/machine.js";
import { realTrainer, temporaryDirectory } from "./helpers.js";

// Log-probabilities of the real engine, and what the real trainer makes of them: on a busy machine they take their time.
vi.setConfig({ testTimeout: 600_000 });
let model: EmbeddedChatModel;
beforeAll(async () => {
  model = await loadEngine();
});
afterAll(() => model.dispose());

const texts = ["Name a colour.", "Describe the sea — naïve, 漢字.", "Say yes.", "Count to three."];
const asked = (topLogprobs?: number) =>
  texts.map(
    (text, seed): CallRequest => ({
      ...requestOf(text, { temperature: 0.9, topK: 40, topP: 0.95, maxTokens: 16, seed }),
      ...(topLogprobs === undefined ? {} : { topLogprobs }),
    }),
  );
const spoken = ({ text, logprobs }: Generation) => [text, logprobs];

it("gives log-probabilities of each sampled token, and changes no answer by that", async () => {
  const plain = await answersOf(model, asked());
  const answers = await answersOf(model, asked(20));
  expect(answers.map(({ text }) => text)).toEqual(plain.map(({ text }) => text));
  expect(plain.every(({ logprobs }) => logprobs === undefined)).toBe(true);
  for (const { logprobs = [], completionTokens } of answers) {
    expect(logprobs).toHaveLength(completionTokens);
    for (const { id, logprob, top } of logprobs) {
      expect(top).toHaveLength(20);
      expect(top.map((each) => each.logprob)).toEqual(
        top.map((each) => each.logprob).sort((a, b) => b - a),
      );
      const together = top.reduce((sum, each) => sum + Math.exp(each.logprob), 0);
      expect(together).toBeGreaterThan(0.05);
      expect(together).toBeLessThan(1.001);
      const listed = top.find((each) => each.id === id);
      if (listed) expect(listed.logprob).toBe(logprob);
      else expect(logprob).toBeLessThanOrEqual(top.at(-1)!.logprob);
    }
  }
  expect(unpackLogprobs(packLogprobs(answers[1]!.logprobs!))).toEqual(answers[1]!.logprobs);

  const [alone] = await answersOf(model, asked(20).slice(1, 2));
  expect(spoken(alone!)).toEqual(spoken(answers[1]!));
  const apart = await startEngineProcess();
  try {
    expect((await answersOf(apart, asked(20))).map(spoken)).toEqual(answers.map(spoken));
  } finally {
    await apart.dispose();
  }
});

it("gives what torch computes: distilled into the weights that it came from there is nothing to learn", async () => {
  const directory = await temporaryDirectory();
  const modelPath = testModel();
  const worker = createTrainerWorker({
    python: testPython(),
    trainerDirectory: realTrainer,
    logFile: join(directory, "worker.log"),
  });
  try {
    const sha256 = createHash("sha256").update(readFileSync(modelPath)).digest("hex");
    const train = createTrainer({ worker, model: { path: modelPath, sha256 }, directory });
    const requests = asked(20);
    const answers = await answersOf(model, requests);
    const examples = answers.map(({ text, logprobs }, index) => ({
      prompt: model.render(requests[index]!.messages),
      completion: text.trim(),
      logprobs: logprobs!,
    }));
    const job = (beta: number, changed: Partial<(typeof examples)[number]> = {}) => ({
      ...{ method: "distill" as const, options: { beta }, parent: null, seed: 1 },
      examples: [{ ...examples[0]!, ...changed }, ...examples.slice(1)],
      settings: {
        rank: 4,
        alpha: 8,
        epochs: 1,
        learningRate: 1e-6,
        tokensPerStep: 4096,
        warmupRatio: 0,
      },
    });
    const options = { signal: new AbortController().signal, onProgress: () => {} };
    const { ggufPath } = await train(job(0), options);
    const manifest = JSON.parse(readFileSync(join(ggufPath, "..", "manifest.json"), "utf8"));
    // In nats a token that was sampled; llama.cpp quantises activations for its kernels, torch does not.
    expect(Math.abs(manifest.metrics.divergence.at(-1))).toBeLessThan(0.02);
    await expect(train(job(0, { completion: "Another text." }), options)).rejects.toMatchObject({
      message: expect.stringContaining("example 1"),
      hint: expect.stringContaining("same tokenizer"),
    });
  } finally {
    await worker.dispose();
  }
});

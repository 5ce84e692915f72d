import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Adapter, Message } from "../../src/core/entities.js";
import { EmbeddedEngine } from "../../src/models/embedded/engine.js";
import { inspectModel } from "../../src/setup/gguf.js";
import { orderTasks } from "../../src/sources/orders.js";
import { createTrainer } from "../../src/training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../../src/training/worker.js";
import { greedySampling, testModel, testPython } from "../support/machine.js";

/** A logit margin this small is a tie between float32 torch and llama.cpp's quantised arithmetic. */
const tie = 0.4;
const maxTokens = 20;
/** `<|im_end|>` of the default weights: torch's answers end with it, llama.cpp's texts do not. */
const endOfTurn = 2;

interface TorchAnswer {
  readonly prompt_tokens: number[];
  readonly tokens: number[];
  readonly margins: number[];
}

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
    engine = await EmbeddedEngine.load({
      modelPath: testModel(),
      modelSha256: sha256,
      contextTokens: 512,
      sequences: 8,
      threads: 0,
    });
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

  async function inTorch(peft: string | null): Promise<TorchAnswer[]> {
    const done = await worker.request("answer", {
      model: testModel(),
      adapter: peft,
      prompts: questions.map((messages) => engine.render(messages)),
      max_tokens: maxTokens,
    });
    return done.answers as TorchAnswer[];
  }

  async function inLlama(gguf: string, asked = questions): Promise<number[][]> {
    const adapter: Adapter = { sha256: gguf, ggufPath: gguf, peftPath: "", parent: null, round: 1 };
    const texts: string[] = [];
    await engine.sample(
      asked.map((messages) => ({ messages, sampling: greedySampling(maxTokens) })),
      {
        adapter,
        signal: new AbortController().signal,
        onResult: (index, { text }) => {
          texts[index] = text;
        },
      },
    );
    return texts.map((text) => engine.tokenize(text));
  }

  /** Torch's margin where the two first differ, an early end counted as a difference; 0 where equal. */
  function marginsAtDifference(torch: TorchAnswer[], llama: number[][]): number[] {
    return torch.map(({ tokens, margins }, i) => {
      const other = [...llama[i]!, ...(llama[i]!.length < maxTokens ? [endOfTurn] : [])];
      const longest = Math.max(tokens.length, other.length);
      const at = Array.from({ length: longest }, (_, place) => place).find(
        (place) => tokens[place] !== other[place],
      );
      return at === undefined ? 0 : (margins[at] ?? Number.POSITIVE_INFINITY);
    });
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
    const torch = await inTorch(trained.peftPath);
    const llama = await inLlama(trained.ggufPath);
    expect(torch.map(({ prompt_tokens }) => prompt_tokens)).toEqual(
      questions.map((messages) => engine.tokenize(engine.render(messages))),
    );
    const margins = marginsAtDifference(torch, llama);
    expect(Math.max(...margins)).toBeLessThan(tie);
    // Ties are exceptions.
    expect(margins.filter((margin) => margin === 0).length).toBeGreaterThanOrEqual(3);
    // An answer with an adapter does not depend on the company either, or a resumed run would differ.
    const alone: number[][] = [];
    for (const question of questions) alone.push(...(await inLlama(trained.ggufPath, [question])));
    expect(alone).toEqual(llama);
    // Trained answers are lines with bars; those of the base weights are not.
    const base = await inTorch(null);
    expect(torch.map(({ tokens }) => tokens)).not.toEqual(base.map(({ tokens }) => tokens));
  });

  it("has the rows of q and k where llama.cpp reads them, which training would hide", async () => {
    const made = spawnSync(testPython(), ["tests/make_adapters.py", testModel(), folder], {
      cwd: "trainer",
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: ".", HF_HUB_OFFLINE: "1" },
    });
    expect(made.status, made.stderr).toBe(0);
    const torch = await inTorch(join(folder, "right", "peft"));
    const right = await inLlama(join(folder, "right", "adapter.gguf"));
    expect(Math.max(...marginsAtDifference(torch, right))).toBeLessThan(tie);
    // The comparison can fail: without the permutation it does.
    const wrong = await inLlama(join(folder, "wrong.gguf"));
    expect(Math.max(...marginsAtDifference(torch, wrong))).toBeGreaterThan(tie);
  });
});

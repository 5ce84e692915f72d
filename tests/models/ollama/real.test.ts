import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Adapter, CallRequest } from "../../../src/core/entities.js";
import { openOllama } from "../../../src/models/ollama/endpoint.js";
import { publish, unpublish } from "../../../src/models/ollama/publish.js";
import { servedWeights } from "../../../src/models/ollama/served-weights.js";
import type { Endpoint } from "../../../src/models/remote/endpoint.js";
import { RemoteModel } from "../../../src/models/remote/remote-model.js";
import { hashFile } from "../../../src/setup/digest.js";
import { inspectModel } from "../../../src/setup/gguf.js";
import { answersOf, chatModelContract } from "../../contract/chat-model.js";
import { requestOf } from "../../contract/request.js";
import { loadEngine, testModel, testPython } from "../../support/machine.js";
import { buildTimeout, type RealOllama, startOllama } from "../../support/ollama.js";
import { askOne, identified, never, settingsOf } from "./support.js";

const questions = [
  "What is the capital of France?",
  "Name three colours.",
  "Calculate 12 + 30.",
  "Why is the sky blue?",
].map((question) => requestOf(question, { maxTokens: 12 }));

/** One after the other: this Ollama does no two at once. */
async function textsOf(endpoint: Endpoint, requests: readonly CallRequest[], adapter?: Adapter) {
  const texts: string[] = [];
  for (const request of requests) {
    texts.push((await askOne(endpoint, request, adapter ?? null)).text);
  }
  return texts;
}

let ollama: RealOllama;
let weights: { path: string; sha256: string };
const settings = () => settingsOf(ollama.url, { name: "small", sequences: 4 });
beforeAll(async () => {
  weights = await inspectModel(testModel());
  ollama = await startOllama();
  await publish({ url: ollama.url, name: "small", file: weights, base: null }, never);
}, buildTimeout);
afterAll(() => ollama?.stop());

describe("a real Ollama", () => {
  let endpoint: Endpoint;
  beforeAll(async () => {
    ({ endpoint } = await identified(settings(), { weights }));
  });
  afterAll(() => endpoint?.dispose());

  it("is known by version and manifest, and for what it can do", async () => {
    const identity = await endpoint.identify(never);
    expect(identity).toMatchObject({
      description: expect.stringMatching(/^small \([0-9a-f]{12}\) on Ollama 0\.17\.4$/),
      capabilities: { adapters: true, schema: true, topLogprobs: 20 },
      contextTokens: 512,
      countsExactly: true,
      parallel: 1,
    });
    expect(await endpoint.identify(never)).toEqual(identity);
  });

  it("runs the very file that it was given, where this machine can read it", async () => {
    const served = await servedWeights(settings(), never);
    expect(served?.sha256).toBe(weights.sha256);
    expect(await hashFile(served!.path)).toBe(weights.sha256);
  });

  it("writes prompts as the weights' own template does, and counts their tokens alike", async () => {
    const engine = await loadEngine();
    const conversation = [
      { role: "system" as const, content: "Be brief. {{ .System }}" },
      { role: "user" as const, content: "naïve 漢字 🙂" },
      { role: "assistant" as const, content: 'a "quoted" \\ thing' },
      { role: "user" as const, content: "<|im_end|>" },
    ];
    expect(endpoint.render(conversation)).toBe(engine.render(conversation));
    const answer = await askOne(endpoint, { ...requestOf(""), messages: conversation });
    const [counted] = await endpoint.countTokens([endpoint.render(conversation)], never);
    expect(answer.promptTokens).toBe(counted);
    await engine.dispose();
  });

  it("ends answers at the end or at maxTokens, and says which", async () => {
    const cut = await askOne(endpoint, requestOf("Write a long story.", { maxTokens: 5 }));
    expect(cut).toMatchObject({ stopReason: "length", completionTokens: 5 });
    const whole = await askOne(
      endpoint,
      requestOf("What is the capital of France? One word.", { maxTokens: 60 }),
    );
    expect(whole.stopReason).toBe("end");
    expect(whole.text).not.toContain("<|im_end|>");
  });

  it("gives the same answer for the same seed, and others for others", async () => {
    const seeded = (seed: number) =>
      requestOf("Tell me about rivers.", { temperature: 0.9, maxTokens: 24, seed });
    const [first, other] = await textsOf(endpoint, [seeded(42), seeded(43)]);
    const again = await textsOf(endpoint, [seeded(42), seeded(42)]);
    expect(other).not.toBe(first);
    expect(again).toEqual([first, first]);
  });

  it("holds answers to a schema, and gives log-probabilities of what it sampled", async () => {
    const schema = {
      type: "object",
      properties: { score: { type: "integer" } },
      required: ["score"],
    };
    const graded = await askOne(endpoint, {
      ...requestOf("Give a score from 1 to 10.", { maxTokens: 40 }),
      schema,
    });
    expect(JSON.parse(graded.text)).toEqual({ score: expect.any(Number) });
    const said = await askOne(endpoint, {
      ...requestOf("Name three colours.", { maxTokens: 8 }),
      topLogprobs: 3,
    });
    expect(said.logprobs?.map(({ token }) => token).join("")).toBe(said.text);
    for (const { logprob, top, token } of said.logprobs ?? []) {
      expect(top).toHaveLength(3);
      // Greedy: the sampled token is the likeliest.
      expect(top[0]).toEqual({ token, logprob });
      expect(logprob).toBeLessThanOrEqual(0);
    }
  });

  it("refuses a prompt that does not fit, instead of cutting it", async () => {
    const long = requestOf("word ".repeat(600));
    await expect(askOne(endpoint, long)).rejects.toMatchObject({
      name: "EndpointFault",
      trouble: "refused",
      message: expect.stringContaining("exceeds the context length"),
    });
  });

  it("stops writing when it is told to, and answers the next", async () => {
    const stop = new AbortController();
    const work = endpoint.answer(requestOf("Write a long story.", { maxTokens: 400 }), null, {
      signal: stop.signal,
      onTokens: () => stop.abort(new Error("enough")),
    });
    await expect(work).rejects.toThrow("enough");
    expect((await askOne(endpoint, questions[0]!)).text).not.toBe("");
  });

  it("answers with an adapter as the embedded engine does, and otherwise than without", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ollama-adapter-"));
    const made = spawnSync(testPython(), ["tests/make_adapters.py", testModel(), folder], {
      cwd: "trainer",
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: ".", HF_HUB_OFFLINE: "1" },
    });
    expect(made.status, made.stderr).toBe(0);
    const ggufPath = join(folder, "right", "adapter.gguf");
    const sha256 = await hashFile(ggufPath);
    const adapter: Adapter = { sha256, ggufPath, peftPath: "", parent: null, round: 1 };
    const base = await textsOf(endpoint, questions);
    const adapted = await textsOf(endpoint, questions, adapter);
    const engine = await loadEngine();
    const inEngine = (await answersOf(engine, questions)).map(({ text }) => text);
    const adaptedInEngine: string[] = [];
    await engine.sample(questions, {
      adapter,
      signal: never,
      onResult: (index, { text }) => {
        adaptedInEngine[index] = text;
      },
    });
    await engine.dispose();
    expect(adapted).not.toEqual(base);
    // Another llama.cpp differs in the last bits: four of four agreed with the adapter, two of four without.
    const alike = (one: string[], other: string[]) =>
      one.filter((text, index) => text === other[index]).length;
    expect(alike(adapted, adaptedInEngine)).toBeGreaterThanOrEqual(2);
    expect(alike(base, inEngine)).toBeGreaterThanOrEqual(1);
  });

  it("takes what is published with the weights' template, and gives it back", async () => {
    const publication = { url: ollama.url, name: "small:round-1", file: weights };
    const digest = await publish({ ...publication, base: "small" }, never);
    const { endpoint: published } = await identified(
      settingsOf(ollama.url, { name: "small:round-1" }),
    );
    expect((await published.identify(never)).description).toContain(digest.slice(0, 12));
    expect(await textsOf(published, questions.slice(0, 2))).toEqual(
      await textsOf(endpoint, questions.slice(0, 2)),
    );
    await published.dispose();
    const names = ["small:round-1", "small:round-2"];
    expect(await unpublish(ollama.url, names, never)).toEqual(["small:round-1"]);
    expect(await unpublish(ollama.url, names, never)).toEqual([]);
  });
});

describe("a real Ollama that answers two at once", () => {
  it(
    "is found to do so, and answers all that it is asked",
    async () => {
      const two = await startOllama({ OLLAMA_NUM_PARALLEL: "2" });
      const file = await inspectModel(testModel());
      await publish({ url: two.url, name: "small", file, base: null }, never);
      const { endpoint } = await identified(settingsOf(two.url, { sequences: 2 }));
      expect((await endpoint.identify(never)).parallel).toBe(2);
      const story = (seed: number) => requestOf("Write a long story.", { maxTokens: 24, seed });
      const many = await Promise.all([1, 2, 3, 4, 5].map((n) => askOne(endpoint, story(n))));
      expect(many.every(({ text }) => text !== "")).toBe(true);
      await endpoint.dispose();
      await two.stop();
    },
    buildTimeout,
  );
});

chatModelContract("a model at a real Ollama", async () => {
  const context = { apiKey: null, weights, signal: never, onNotice() {} };
  return RemoteModel.open(await openOllama(settings(), context), settings(), never);
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RemoteModel } from "../../../src/models/remote/remote-model.js";
import { inspectModel } from "../../../src/setup/gguf.js";
import { chatModelContract, requestOf } from "../../contract/chat-model.js";
import { testModel } from "../../support/machine.js";
import { endpointAt, openAISettings, quietly } from "../../support/openai-endpoint.js";
import { type Serving, serveTransformers } from "../../support/transformers-serve.js";

describe("a real server with OpenAI's chat API", () => {
  let serving: Serving;
  beforeAll(async () => {
    serving = await serveTransformers();
  });
  afterAll(() => serving?.stop());

  const open = async (more: object = {}) => {
    const { path, sha256 } = await inspectModel(testModel());
    const settings = { name: serving.name, ...more };
    return endpointAt(serving.url, settings, { weights: { path, sha256 } });
  };

  chatModelContract("a model behind it", async () => {
    const { endpoint } = await open();
    const settings = openAISettings(serving.url, { name: serving.name });
    return RemoteModel.open(endpoint, settings, AbortSignal.timeout(120_000));
  });

  it("is found out: what it takes, what it ignores, how it counts", async () => {
    const { endpoint, notices } = await open();
    const identity = await endpoint.identify(AbortSignal.timeout(120_000));
    expect(identity).toMatchObject({
      capabilities: { adapters: false, deterministic: false, schema: false, topLogprobs: 0 },
      // The template and the tokenizer of the GGUF file give the server's own numbers.
      countsExactly: true,
      contextTokens: null,
    });
    expect(notices).toEqual([]);
    await endpoint.answer(requestOf("Hello", { topK: 40, temperature: 0.8 }), null, quietly());
    expect(notices).toEqual([expect.stringContaining("without topK")]);
    await endpoint.dispose();
  });

  it("says which model it has where the name is wrong", async () => {
    const { endpoint } = await open({ name: "somebody-else" });
    await expect(endpoint.identify(AbortSignal.timeout(60_000))).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining(`pinned to '${serving.name}'`),
    });
    await endpoint.dispose();
  });

  it("is away when it was stopped", async () => {
    const { endpoint } = await open();
    await endpoint.identify(AbortSignal.timeout(120_000));
    const story = endpoint.answer(requestOf("Tell me a story.", { maxTokens: 400 }), null, {
      signal: AbortSignal.timeout(120_000),
      onTokens: () => void serving.stop(),
    });
    await expect(story).rejects.toMatchObject({ name: "EndpointFault", trouble: "unavailable" });
    await expect(endpoint.identify(AbortSignal.timeout(60_000))).rejects.toMatchObject({
      kind: "model",
      hint: expect.stringContaining("Start the server"),
    });
    await endpoint.dispose();
  });
});

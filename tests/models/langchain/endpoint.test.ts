import { AIMessageChunk } from "@langchain/core/messages";
import { afterEach, describe, expect, it } from "vitest";
import { modelSchema } from "../../../src/core/model.js";
import { redact } from "../../../src/core/secrets.js";
import { type LangChainSettings, openLangChain } from "../../../src/models/langchain/endpoint.js";
import { readStream } from "../../../src/models/langchain/read-stream.js";
import { retryAfterMs } from "../../../src/models/langchain/retry-after.js";
import { reasonIn, stopReasonOf } from "../../../src/models/langchain/stop-reason.js";
import { requestOf } from "../../contract/request.js";
import {
  ableChat,
  type ChatBody,
  type OpenAIApi,
  type Said,
  startOpenAIApi,
} from "../../support/openai-api.js";
import { quietly } from "../../support/openai-endpoint.js";

let api: OpenAIApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

const signal = () => AbortSignal.timeout(60_000);

const openNamed = (name: string, options: object = {}, apiKey: string | null = null) =>
  openLangChain(modelSchema.parse({ provider: "langchain", name, options }) as LangChainSettings, {
    ...{ apiKey, weights: null, signal: signal(), onNotice: () => {} },
  });

/** LangChain's own OpenAI provider, led to a scripted server. */
async function openScripted(chat: (body: ChatBody) => Said = ableChat) {
  api = await startOpenAIApi(chat);
  const configuration = { baseURL: api.url };
  return openNamed("openai:river-1", { configuration }, "sk-langchain-1");
}

describe("a LangChain chat model by name", () => {
  it("answers with text, tokens and reason", async () => {
    const endpoint = await openScripted((body) => ({
      ...{ pieces: ["a ", "river"], finish: "length" },
      usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
      ...(body.max_tokens === 64 ? { finish: "stop" } : {}),
    }));
    const identity = await endpoint.identify(signal());
    expect(identity.capabilities.adapters).toBe(false);
    const answer = await endpoint.answer(
      requestOf("Hello", { temperature: 0.5, topP: 0.9, maxTokens: 7, seed: 3 }),
      null,
      quietly(),
    );
    expect(answer).toMatchObject({
      ...{ text: "a river", stopReason: "length", promptTokens: 9, completionTokens: 2 },
    });
    expect(api?.chats.at(-1)).toMatchObject({
      ...{ model: "river-1", temperature: 0.5, top_p: 0.9, max_tokens: 7, seed: 3 },
    });
    expect(api?.asked.at(-1)?.authorization).toBe("Bearer sk-langchain-1");
  });

  it("leaves further tries to whoever asks", async () => {
    const endpoint = await openScripted((body: ChatBody) =>
      body.messages[0]?.content === "Hello"
        ? { status: 429, headers: { "retry-after": "3" } }
        : ableChat(body),
    );
    await endpoint.identify(signal());
    await expect(endpoint.answer(requestOf("Hello"), null, quietly())).rejects.toMatchObject({
      ...{ name: "EndpointFault", trouble: "busy", retryAfterMs: 3000 },
    });
    expect(api?.chats).toHaveLength(2);
  });

  it("says how to install a provider's package", async () => {
    await expect(openNamed("anthropic:claude-sonnet-4-5")).rejects.toMatchObject({
      kind: "setup",
      hint: expect.stringContaining("npm install @langchain/anthropic"),
    });
    await expect(openNamed("nobody-knows-this")).rejects.toMatchObject({ kind: "model" });
  });

  it("takes no secret from a recipe, and shows none of the environment", async () => {
    await expect(openNamed("openai:river-1", { a: [{ openAIApiKey: "x" }] })).rejects.toMatchObject(
      {
        kind: "usage",
        message: expect.stringContaining("openAIApiKey"),
      },
    );
    process.env.RIVER_API_KEY = "rk-of-the-environment";
    try {
      await openScripted();
      expect(redact("key rk-of-the-environment")).toBe("key [secret]");
    } finally {
      delete process.env.RIVER_API_KEY;
    }
  });
});

describe("what providers say", () => {
  const reason = (response_metadata: object, additional_kwargs: object = {}) =>
    reasonIn({ ...{ response_metadata, additional_kwargs } } as Parameters<typeof reasonIn>[0]);

  it.each([
    [{ finish_reason: "stop" }, {}, "end"],
    [{ finishReason: "MAX_TOKENS" }, {}, "length"],
    [{ finishReason: "STOP" }, {}, "end"],
    [{ done_reason: "length" }, {}, "length"],
    [{}, { stop_reason: "end_turn" }, "end"],
    [{}, { stop_reason: "max_tokens" }, "length"],
    [{ messageStop: { stopReason: "max_tokens" } }, {}, "length"],
  ])("%o %o is a reason to stop", (metadata, additional, expected) => {
    expect(stopReasonOf(reason(metadata, additional))).toBe(expected);
  });

  it.each([
    [{}, { stop_reason: "refusal" }],
    [{ finishReason: "SAFETY" }, {}],
    [{ finish_reason: "tool_calls" }, {}],
  ])("%o %o is no answer", (metadata, additional) => {
    expect(() => stopReasonOf(reason(metadata, additional))).toThrow(/no answer/);
  });

  it("is not over before it is over", () => {
    const early = reason({ finishReason: "FINISH_REASON_UNSPECIFIED" });
    expect(() => stopReasonOf(early)).toThrow(/half-way/);
  });

  it("is read as Anthropic's package streams it: thinking first, the reason apart", async () => {
    const usage = (input_tokens: number, output_tokens: number) => ({
      usage_metadata: { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens },
    });
    const chunks = [
      { content: [], additional_kwargs: { role: "assistant" }, ...usage(21, 1) },
      { content: [{ type: "thinking", thinking: "A river …", index: 0 }] },
      { content: [{ type: "text", text: "The ", index: 1 }] },
      { content: [{ type: "text", text: "Loire", index: 1 }] },
      { content: [], additional_kwargs: { stop_reason: "end_turn" }, ...usage(0, 9) },
    ].map((each) => new AIMessageChunk(each as never));
    let tokens = 0;
    const onTokens = (count: number) => {
      tokens += count;
    };
    const stream = (async function* () {
      yield* chunks;
    })();
    const heard = await readStream(stream, { signal: signal(), onTokens });
    expect(heard).toMatchObject({
      ...{ text: "The Loire", reason: "end_turn", promptTokens: 21, completionTokens: 9 },
    });
    expect(tokens).toBe(9);
  });

  it("waits as long as it was asked to", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    const wait = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), now);
    expect(wait({})).toBeNull();
    expect(wait({ "retry-after": "1.5" })).toBe(1500);
    expect(wait({ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" })).toBe(60_000);
    expect(wait({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" })).toBe(0);
    expect(wait({ "retry-after": "soon" })).toBeNull();
    expect(wait({ "retry-after-ms": "250", "retry-after": "9" })).toBe(250);
    expect(wait({ "retry-after": "99999999999" })).toBe(86_400_000);
  });
});

import { afterEach, describe, expect, it } from "vitest";
import type { RedistillError } from "../../../src/core/errors.js";
import type { Endpoint, EndpointFault } from "../../../src/models/remote/endpoint.js";
import { requestOf } from "../../contract/request.js";
import {
  ableChat,
  type ChatBody,
  listOf,
  type OpenAIApi,
  type Said,
  startOpenAIApi,
} from "../../support/openai-api.js";
import { endpointAt, quietly } from "../../support/openai-endpoint.js";

let api: OpenAIApi;
let endpoint: Endpoint;
afterEach(async () => {
  await endpoint?.dispose();
  await api?.close();
});

const signal = () => AbortSignal.timeout(60_000);

/** An endpoint that knows its server, which then goes over to another script. */
async function identified(chat?: (body: ChatBody) => Said): Promise<Endpoint> {
  api = await startOpenAIApi();
  ({ endpoint } = await endpointAt(api.url));
  await endpoint.identify(signal());
  if (chat) api.chat = chat;
  return endpoint;
}

const faultOf = async (said: Said): Promise<EndpointFault> => {
  await identified(() => said);
  return endpoint.answer(requestOf("Hello"), null, quietly()).then(
    () => expect.fail("it answered"),
    (error) => error,
  );
};

describe("an OpenAI-compatible endpoint", () => {
  it("sends every sampling value, and gives back text, tokens and reason", async () => {
    await identified(() => ({
      pieces: ["nä", "ïve 漢", "字 🙂"],
      finish: "length",
      usage: {
        ...{ prompt_tokens: 21, completion_tokens: 7, total_tokens: 28 },
        prompt_tokens_details: { cached_tokens: 5 },
      },
    }));
    let tokens = 0;
    const sampling = { temperature: 0.7, topP: 0.9, topK: 40, minP: 0.05, maxTokens: 33, seed: 8 };
    const answer = await endpoint.answer(requestOf("Hello\u0000 {{x}}", sampling), null, {
      signal: signal(),
      onTokens: (count) => {
        tokens += count;
      },
    });
    expect(answer).toMatchObject({
      ...{ text: "näïve 漢字 🙂", stopReason: "length", promptTokens: 21 },
      ...{ evaluatedPromptTokens: 16, completionTokens: 7 },
    });
    expect(tokens).toBe(7);
    expect(api.chats.at(-1)).toMatchObject({
      ...{ model: "river-1", temperature: 0.7, top_p: 0.9, top_k: 40, min_p: 0.05 },
      ...{ max_tokens: 33, seed: 8, stream: true, stream_options: { include_usage: true } },
      messages: [{ role: "user", content: "Hello\u0000 {{x}}" }],
    });
  });

  it("switches the server's own top_k off where the recipe has none", async () => {
    await identified();
    await endpoint.answer(requestOf("Hello", { topK: 0 }), null, quietly());
    expect(api.chats.at(-1)?.top_k).toBe(-1);
    expect(api.chats.at(-1)?.min_p).toBe(0);
  });

  it("passes on log-probabilities, where they are asked for", async () => {
    await identified();
    const { logprobs } = await endpoint.answer(
      { ...requestOf("Hello"), topLogprobs: 2 },
      null,
      quietly(),
    );
    expect(logprobs).toEqual([
      {
        ...{ token: "the", logprob: -0.5 },
        top: [
          { token: "t0", logprob: -1 },
          { token: "t1", logprob: -2 },
        ],
      },
    ]);
    expect((await endpoint.answer(requestOf("Hello"), null, quietly())).logprobs).toBeUndefined();
  });

  it("counts by itself where the server does not", async () => {
    await identified(() => ({ pieces: ["abc"] }));
    const answer = await endpoint.answer(requestOf("Hello"), null, quietly());
    expect(answer.completionTokens).toBeGreaterThanOrEqual(3);
    expect(answer.promptTokens).toBeGreaterThanOrEqual(5);
  });

  it.each<[string, Said, Partial<EndpointFault>]>([
    [
      "429 with seconds",
      { status: 429, headers: { "retry-after": "7" } },
      { trouble: "busy", retryAfterMs: 7000 },
    ],
    [
      "429 with a used up limit",
      {
        status: 429,
        headers: {
          ...{ "x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1h" },
          ...{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30.5s" },
        },
      },
      { trouble: "busy", retryAfterMs: 90_500 },
    ],
    [
      "503",
      { status: 503, body: { error: { message: "Loading model" } } },
      { trouble: "busy", retryAfterMs: null },
    ],
    [
      "429 of an account without money",
      { status: 429, body: { error: { message: "no quota", code: "insufficient_quota" } } },
      { trouble: "refused" },
    ],
    ["500", { status: 500, body: "oops" }, { trouble: "unavailable" }],
    [
      "400",
      { status: 400, body: { error: { message: "too long" } } },
      { trouble: "refused", message: "400 too long" },
    ],
    [
      "422 of FastAPI",
      { status: 422, body: { detail: "Unexpected" } },
      { trouble: "refused", message: "422 Unexpected" },
    ],
    ["a broken connection", "reset", { trouble: "unavailable" }],
    ["an end half-way", { pieces: ["the"], finish: null }, { trouble: "unavailable" }],
    [
      "an error line",
      { pieces: ["the"], line: '{"error":"out of memory"}' },
      { trouble: "unavailable" },
    ],
    [
      "a line that is not JSON",
      { pieces: ["the"], line: '{"error": "say "hi""}' },
      { trouble: "unavailable" },
    ],
    ["an aborted answer", { pieces: ["the"], finish: "abort" }, { trouble: "unavailable" }],
    ["a content filter", { pieces: [], finish: "content_filter" }, { trouble: "refused" }],
  ])("takes %s for what it is", async (_name, said, fault) => {
    expect(await faultOf(said)).toMatchObject({ name: "EndpointFault", ...fault });
    // Once: whoever asks decides about another try.
    expect(api.chats.filter(({ messages }) => messages[0]?.content === "Hello")).toHaveLength(1);
  });

  it.each(["hang", "hang after one piece"] as const)("stops when told to: %s", async (said) => {
    await identified(() => said);
    const stop = new AbortController();
    const answer = endpoint.answer(requestOf("Hello"), null, {
      signal: stop.signal,
      onTokens: () => stop.abort(new Error("enough")),
    });
    if (said === "hang") setTimeout(() => stop.abort(new Error("enough")), 50);
    await expect(answer).rejects.toThrow("enough");
    await expect.poll(() => api.closedEarly.count).toBeGreaterThan(0);
  });

  it("sends the key to the server and nowhere else", async () => {
    api = await startOpenAIApi(() => ({
      ...{
        status: 401,
        body: { error: { message: "Incorrect API key provided: sk-river-12345" } },
      },
    }));
    const { registerSecret } = await import("../../../src/core/secrets.js");
    registerSecret("sk-river-12345");
    ({ endpoint } = await endpointAt(api.url, {}, { apiKey: "sk-river-12345" }));
    const error = await endpoint.identify(signal()).catch((each: RedistillError) => each);
    expect(api.asked.every((each) => each.authorization === "Bearer sk-river-12345")).toBe(true);
    expect(error).toMatchObject({
      kind: "model",
      hint: expect.stringContaining("refuses the key"),
    });
    expect((error as RedistillError).message).not.toContain("sk-river");
  });

  it("does not send the key of OPENAI_API_KEY to whatever server the recipe names", async () => {
    const before = process.env.OPENAI_API_KEY;
    process.env.OPENAI_API_KEY = "sk-somebody-elses";
    try {
      await identified();
      await endpoint.answer(requestOf("Hello"), null, quietly());
      expect(api.asked.map(({ authorization }) => authorization).filter(Boolean)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.OPENAI_API_KEY;
      else process.env.OPENAI_API_KEY = before;
    }
  });

  it("says what to do about a wrong name, a missing key, an absent server", async () => {
    api = await startOpenAIApi(
      () => ({ status: 404, body: { error: { message: "no such model" } } }),
      listOf(["river-11", "ocean"]),
    );
    ({ endpoint } = await endpointAt(api.url));
    await expect(endpoint.identify(signal())).rejects.toMatchObject({
      kind: "model",
      hint: expect.stringContaining("did you mean river-11?"),
    });
    api.aside = () => ({ status: 500, body: "Internal Server Error" });
    await expect(endpoint.identify(signal())).rejects.toMatchObject({
      hint: expect.stringContaining("/v1"),
    });
    api.chat = () => ({ status: 401, body: { error: { message: "no key" } } });
    await expect(endpoint.identify(signal())).rejects.toMatchObject({
      hint: expect.stringContaining("apiKey"),
    });
    await api.close();
    await expect(endpoint.identify(signal())).rejects.toMatchObject({
      kind: "model",
      message: expect.stringMatching(/ECONNREFUSED|other side closed/),
      hint: expect.stringContaining("Start the server"),
    });
  });
});

describe("the identity of a server", () => {
  it("is the same as long as nothing changes that could change an answer", async () => {
    await identified();
    const first = await endpoint.identify(signal());
    const probed = api.chats.length;
    expect((await endpoint.identify(signal())).digest).toBe(first.digest);
    // What it can do is asked once, whether it is there each time.
    expect(api.chats.length - probed).toBe(1);
    const entry = { id: "river-1", object: "model", created: 5, owned_by: "somebody" };
    api.aside = () => ({ body: { data: [entry] } });
    expect((await endpoint.identify(signal())).digest).toBe(first.digest);
    api.aside = () => ({ body: { data: [{ ...entry, root: "/weights/other" }] } });
    expect((await endpoint.identify(signal())).digest).not.toBe(first.digest);
  });

  it("does not depend on a list that some servers do not have", async () => {
    api = await startOpenAIApi(ableChat, () => ({ status: 500, body: "Internal Server Error" }));
    ({ endpoint } = await endpointAt(api.url));
    expect(await endpoint.identify(signal())).toMatchObject({ contextTokens: null });
  });
});

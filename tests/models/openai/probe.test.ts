import { afterEach, describe, expect, it } from "vitest";
import type { EndpointIdentity } from "../../../src/models/remote/endpoint.js";
import { requestOf } from "../../contract/request.js";
import {
  ableChat,
  type ChatBody,
  type OpenAIApi,
  type Said,
  startOpenAIApi,
} from "../../support/openai-api.js";
import { endpointAt, quietly } from "../../support/openai-endpoint.js";

let api: OpenAIApi;
afterEach(() => api.close());

const refusal: Said = { status: 422, body: { detail: "Unexpected fields in the request" } };

/** What is found out about a server, and the request that a recipe's sampling then makes there. */
async function probed(chat: (body: ChatBody) => Said): Promise<{
  identity: EndpointIdentity;
  body: ChatBody;
  notices: string[];
}> {
  api = await startOpenAIApi(chat);
  const { endpoint, notices } = await endpointAt(api.url);
  const identity = await endpoint.identify(AbortSignal.timeout(60_000));
  const schema = { type: "object" };
  const request = { ...requestOf("Hi", { temperature: 0.8, topK: 40, minP: 0.1 }), schema };
  await endpoint.answer(request, null, quietly());
  await endpoint.answer(request, null, quietly());
  await endpoint.dispose();
  return { identity, body: api.chats.at(-1) as ChatBody, notices };
}

describe("what a server can do", () => {
  it("is found out by asking it", async () => {
    const { identity, body, notices } = await probed(ableChat);
    expect(identity.capabilities).toEqual({
      ...{ adapters: false, deterministic: false, schema: true, topLogprobs: 20 },
    });
    expect(body.response_format).toMatchObject({
      type: "json_schema",
      json_schema: { schema: { type: "object" }, strict: true },
    });
    expect(notices).toEqual([]);
  });

  it.each([
    ["top_k", "topK"],
    ["min_p", "minP"],
  ] as const)("does without %s where it is refused, and says so once", async (field, setting) => {
    const { body, notices } = await probed((each) => (field in each ? refusal : ableChat(each)));
    expect(field in body).toBe(false);
    expect(body.seed).toBeDefined();
    expect(notices).toEqual([expect.stringContaining(`without ${setting}`)]);
  });

  it("does without whatever a strict server refuses", async () => {
    const known = ["model", "messages", "max_tokens", "stream"];
    const { body, identity } = await probed((each) =>
      Object.keys(each).every((key) => known.includes(key)) ? ableChat(each) : refusal,
    );
    expect(Object.keys(body).sort()).toEqual([...known].sort());
    expect(identity.capabilities).toMatchObject({ schema: false, topLogprobs: 0 });
  });

  it("tells of settings that are taken and not heeded", async () => {
    const { notices } = await probed(({ top_k: _k, min_p: _p, ...each }) => ableChat(each));
    expect(notices).toEqual([
      expect.stringContaining("without topK"),
      expect.stringContaining("without minP"),
    ]);
  });

  it("tells of a server that gives the same answer for every seed", async () => {
    const { notices } = await probed((each) => ableChat({ ...each, temperature: 0 }));
    expect(notices).toEqual([expect.stringContaining("one answer for two seeds")]);
  });

  it.each<[string, (body: ChatBody) => Said, string | undefined]>([
    [
      "JSON of any form",
      (each) =>
        each.response_format?.type === "json_schema"
          ? refusal
          : { pieces: [each.response_format ? '{"b":1}' : "words"] },
      "json_object",
    ],
    [
      "nothing, where it takes a format and does not heed it",
      () => ({ pieces: ["words"] }),
      undefined,
    ],
  ])("holds answers to %s", async (_name, chat, format) => {
    const { identity, body } = await probed(chat);
    expect(identity.capabilities.schema).toBe(false);
    expect(body.response_format?.type).toBe(format);
  });

  it("is asked of a model that has to think, and of one that takes no temperature", async () => {
    const { body, notices } = await probed((each) =>
      (each.max_tokens ?? 0) < 12 || "temperature" in each ? refusal : ableChat(each),
    );
    expect(body.top_k).toBe(40);
    expect(notices).toContainEqual(expect.stringContaining("takes no temperature"));
  });

  it("asks for fewer alternatives where many are refused", async () => {
    const { identity } = await probed((each) =>
      (each.top_logprobs ?? 0) > 5 ? refusal : ableChat(each),
    );
    expect(identity.capabilities.topLogprobs).toBe(5);
  });
});

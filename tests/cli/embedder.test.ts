import { afterEach, describe, expect, it } from "vitest";
import { openEmbedder } from "../../src/cli/embedder.js";
import type { Output } from "../../src/cli/output.js";
import { longTermSchema } from "../../src/core/long-term.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { scriptedEmbedder, vectorByWords } from "../support/embedder.js";
import { startOpenAIApi } from "../support/openai-api.js";

const { signal } = new AbortController();
const output = { note() {} } as unknown as Output;
const student = new ScriptedChatModel("student", () => "");

const open = (longTerm: object | null, model: object = student) =>
  openEmbedder({ longTerm: longTermSchema.parse(longTerm) }, model as never, output, signal);

describe("what makes a run's vectors", () => {
  afterEach(() => {
    delete process.env.REDISTILL_TEST_KEY;
  });

  it("is nothing where lessons are found by words", async () => {
    expect((await open(null)).embedder).toBeNull();
    expect((await open({})).embedder).toBeNull();
  });

  it("is the student, if it can", async () => {
    const embedder = scriptedEmbedder();
    const able = Object.assign(new ScriptedChatModel("able", () => ""), { embedder });
    expect((await open({ retrieval: "embedding" }, able)).embedder).toBe(embedder);
    await expect(open({ retrieval: "embedding" })).rejects.toMatchObject({
      message: "scripted model student makes no vectors of texts",
      hint: expect.stringContaining("longTerm.embedder"),
    });
  });

  it("is the model that the recipe names, with the key that it names", async () => {
    const api = await startOpenAIApi(undefined, (_method, _path, body) => ({
      body: {
        data: (body as { input: string[] }).input.map((text, index) => ({
          ...{ index, embedding: [...vectorByWords(text)] },
        })),
      },
    }));
    const apiKey = { env: "REDISTILL_TEST_KEY" };
    const named = { provider: "openai", name: "small-1", url: api.url, apiKey };
    const settings = { retrieval: "embedding", embedder: named };
    await expect(open(settings)).rejects.toThrow(/longTerm\.embedder\.apiKey.*is not set/);
    process.env.REDISTILL_TEST_KEY = "key-from-the-environment";
    const opened = await open(settings);
    expect(await opened.embedder!.embed(["a lesson"], signal)).toEqual([vectorByWords("a lesson")]);
    expect(new Set(api.asked.map(({ authorization }) => authorization))).toEqual(
      new Set(["Bearer key-from-the-environment"]),
    );
    await opened.close();
    await api.close();
  });
});

import { afterEach, describe, expect, it } from "vitest";
import { embedderSchema } from "../../src/core/embedder.js";
import { openOllamaEmbedder } from "../../src/models/ollama/embedder.js";
import { openOpenAIEmbedder } from "../../src/models/openai/embedder.js";
import { usualPatience } from "../../src/models/remote/patience.js";
import { vectorByWords } from "../support/embedder.js";
import { type Aside, startOpenAIApi } from "../support/openai-api.js";
import { ScriptedOllama } from "./ollama/scripted-server.js";

const { signal } = new AbortController();
const quick = { ...usualPatience, retryMs: 1, longestRetryMs: 5, triesOfOne: 3 };
const texts = Array.from({ length: 70 }, (_, i) => `Lesson number ${["one", "two"][i % 2]} ${i}`);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server of vectors; the last in a request comes first, as some servers do. */
const vectors: Aside = (method, path, body) => {
  if (method !== "POST" || path !== "/v1/embeddings") return undefined;
  const { input } = body as { input: string[] };
  const data = input.map((text, index) => ({ index, embedding: [...vectorByWords(text)] }));
  return { body: { object: "list", data: data.reverse() } };
};

async function openai(aside: Aside, key: string | null = null) {
  const api = await startOpenAIApi(undefined, aside);
  closing.push(() => api.close());
  const settings = embedderSchema.parse({ provider: "openai", name: "small-1", url: api.url });
  if (settings.provider !== "openai") throw new Error("not reached");
  const open = async () => {
    const opened = await openOpenAIEmbedder(settings, key, signal, quick);
    closing.push(() => opened.close());
    return opened.embedder;
  };
  return { api, open };
}

describe("a model for embeddings behind OpenAI's API", () => {
  it("gives vectors in the order of the texts, in portions, with the key", async () => {
    const { api, open } = await openai(vectors, "key-of-the-server");
    const embedder = await open();
    expect(await embedder.embed(texts, signal)).toEqual(texts.map(vectorByWords));
    const sent = api.asked.slice(1).map(({ body }) => (body as { input: string[] }).input);
    expect(sent.map(({ length }) => length)).toEqual([32, 32, 6]);
    expect(api.asked[1]).toMatchObject({
      authorization: "Bearer key-of-the-server",
      body: { model: "small-1", encoding_format: "float" },
    });
    expect(embedder.description).toContain("small-1");
  });

  it("is asked again where it is busy or breaks, and not where it refuses", async () => {
    let troubles = 0;
    const { api, open } = await openai((...asked) =>
      ++troubles % 2 === 1 ? { status: 503, body: { error: "loading" } } : vectors(...asked),
    );
    const embedder = await open();
    expect(await embedder.embed(["one"], signal)).toEqual([vectorByWords("one")]);
    expect(api.asked).toHaveLength(4);
    api.aside = () => ({ status: 400, body: { error: { message: "too many tokens" } } });
    await expect(embedder.embed(["one"], signal)).rejects.toThrow(/small-1 at .*too many tokens/);
    expect(api.asked).toHaveLength(5);
  });

  it.each([
    [{ status: 404, body: { detail: "Not Found" } }, /Correct `name` or `url`/],
    [{ status: 401, body: { error: { message: "no key" } } }, /The server wants a key/],
    [{ status: 501, body: { error: { message: "start it with --embeddings" } } }, /server's log/],
    [{ status: 200, body: { object: "list" } }, /retrieval: text/],
  ])("that gives none says what to do: %j", async (reply, hint) => {
    const { open } = await openai(() => reply);
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "model" });
    const { message, hint: said } = error as { message: string; hint: string };
    expect(message).toMatch(/^longTerm\.embedder: small-1 at http/);
    expect(said).toMatch(hint);
    expect(said).toContain("Or set longTerm.retrieval: text.");
  });

  it("that gives fewer vectors than texts, or none that can be compared, is refused", async () => {
    const few = { data: [{ index: 0, embedding: [1, 2] }] };
    const { api, open } = await openai(() => ({ body: few }));
    const embedder = await open();
    await expect(embedder.embed(["a", "b"], signal)).rejects.toThrow(/1 vectors for 2 texts/);
    api.aside = () => ({ body: { data: [{ index: 0, embedding: [] }] } });
    await expect(embedder.embed(["a"], signal)).rejects.toThrow(/cannot be compared/);
  });

  it("stops when it is told to", async () => {
    const { api, open } = await openai(vectors);
    const embedder = await open();
    const stop = new AbortController();
    api.aside = () => {
      stop.abort(new Error("enough"));
      return { status: 503, body: "" };
    };
    await expect(embedder.embed(["a"], stop.signal)).rejects.toThrow("enough");
  });
});

describe("a model for embeddings of Ollama", () => {
  async function ollama(name = "small") {
    const server = new ScriptedOllama();
    const url = await server.start();
    closing.push(() => server.stop());
    const settings = embedderSchema.parse({ provider: "ollama", name, url });
    if (settings.provider !== "ollama") throw new Error("not reached");
    const open = async () => {
      const opened = await openOllamaEmbedder(settings, signal, quick);
      closing.push(() => opened.close());
      return opened.embedder;
    };
    return { server, open };
  }

  it("gives vectors, under the digest of its weights", async () => {
    const { server, open } = await ollama();
    server.embed = ({ input }) => ({ embeddings: input.map((text) => [...vectorByWords(text)]) });
    const embedder = await open();
    expect(await embedder.embed(texts, signal)).toEqual(texts.map(vectorByWords));
    server.digests = { "small:latest": "e".repeat(64) };
    expect((await open()).digest).not.toBe(embedder.digest);
  });

  it("that is none, or not there, says what to do", async () => {
    const { server, open } = await ollama();
    server.embed = () => ({ status: 400, error: "this model does not support embeddings" });
    const embedder = await open();
    await expect(embedder.embed(["a"], signal)).rejects.toMatchObject({
      message: expect.stringMatching(/^longTerm\.embedder: small at .*does not support embeddings/),
      hint: expect.stringContaining("retrieval: text"),
    });
    const { open: openOther } = await ollama("smal");
    await expect(openOther()).rejects.toMatchObject({
      hint: expect.stringContaining("Did you mean small:latest?"),
    });
  });
});

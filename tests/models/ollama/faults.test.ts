import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Endpoint } from "../../../src/models/remote/endpoint.js";
import { requestOf } from "../../contract/request.js";
import { last, piece, ScriptedOllama } from "./scripted-server.js";
import { askOne, identified, never, settingsOf } from "./support.js";

describe("an Ollama endpoint", () => {
  let server: ScriptedOllama;
  let url: string;
  let endpoint: Endpoint;
  beforeEach(async () => {
    server = new ScriptedOllama();
    url = await server.start();
    ({ endpoint } = await identified(settingsOf(url)));
  });
  afterEach(async () => {
    await endpoint.dispose();
    await server.stop();
  });

  it("sends every number that the server would fill in, and forbids it to cut anything", async () => {
    const sampling = { temperature: 0.7, topP: 0.9, topK: 40, minP: 0.05, seed: 0, maxTokens: 9 };
    await askOne(endpoint, requestOf("Go.", sampling));
    expect(server.chats.at(-1)).toMatchObject({
      truncate: false,
      shift: false,
      think: false,
      keep_alive: "30m",
      options: {
        ...{ num_ctx: 512, num_predict: 9, temperature: 0.7, top_p: 0.9, top_k: 40, min_p: 0.05 },
        ...{ seed: 0, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, typical_p: 1 },
      },
    });
  });

  it("never takes a stream for whole that ends with an error line, half-way, or not as JSON", async () => {
    const noise = vi.spyOn(console, "warn").mockImplementation(() => {});
    for (const lines of [
      [piece("4"), { error: "an error was encountered while running the model" }],
      [piece("4"), piece("2")],
      [piece("4"), last(3, "unload")],
    ]) {
      server.chat = () => lines;
      await expect(askOne(endpoint, requestOf("6 * 7?"))).rejects.toMatchObject({
        name: "EndpointFault",
        trouble: "unavailable",
      });
    }
    server.chat = () => [piece("4"), '{"message": {"content": "2', last(3)];
    await expect(askOne(endpoint, requestOf("6 * 7?"))).rejects.toMatchObject({
      trouble: "unavailable",
      message: expect.stringContaining("not JSON"),
    });
    expect(noise).not.toHaveBeenCalled();
    noise.mockRestore();
  });

  it("says busy for 503, with how long to wait, and refused for a 400", async () => {
    server.chat = () => ({ status: 503, error: "server busy, please try again", retryAfter: "7" });
    await expect(askOne(endpoint, requestOf("Go."))).rejects.toMatchObject({
      trouble: "busy",
      retryAfterMs: 7000,
      message: expect.stringContaining("server busy"),
    });
    server.chat = () => ({ status: 400, error: "bad \u001b[31mthing" });
    await expect(askOne(endpoint, requestOf("Go."))).rejects.toMatchObject({
      trouble: "refused",
      message: "HTTP 400: bad  [31mthing",
    });
    server.chat = () => ({ status: 500, error: "runner stopped" });
    await expect(askOne(endpoint, requestOf("Go."))).rejects.toMatchObject({
      trouble: "unavailable",
    });
  });

  it("takes an answer that Ollama ended for repeating itself as one that was cut off", async () => {
    server.chat = () => Array.from({ length: 31 }, () => piece(" 0"));
    expect(await askOne(endpoint, requestOf("Go."))).toMatchObject({
      stopReason: "length",
      completionTokens: 31,
      text: " 0".repeat(31),
    });
  });

  it("gives up no answer to a model that was swapped behind its name", async () => {
    server.chat = () => {
      server.digests["small:latest"] = "e".repeat(64);
      return [piece("4"), last(3)];
    };
    await expect(askOne(endpoint, requestOf("6 * 7?"))).rejects.toMatchObject({
      kind: "state",
      message: expect.stringMatching(
        /replaced while it answered \(eeeeeeeeeeee, before dddddddddddd\)/,
      ),
    });
  });

  it("has another digest for another manifest, and for another version of the server", async () => {
    const before = await endpoint.identify(never);
    expect(await endpoint.identify(never)).toEqual(before);
    server.version = "0.18.0";
    const updated = await endpoint.identify(never);
    server.version = "0.17.4";
    server.digests["small:latest"] = "e".repeat(64);
    const swapped = await endpoint.identify(never);
    expect(new Set([before.digest, updated.digest, swapped.digest]).size).toBe(3);
  });

  it("stops at once, even before the first byte", async () => {
    const stop = new AbortController();
    server.chat = () => {
      stop.abort(new Error("enough"));
      return null;
    };
    await expect(askOne(endpoint, requestOf("Go."), null, stop.signal)).rejects.toThrow("enough");
  });
});

describe("an Ollama that cuts long prompts", () => {
  it("is noticed when the model is opened, and gets none that it would cut", async () => {
    const server = new ScriptedOllama();
    server.refusesLongPrompts = false;
    const { endpoint, notices } = await identified(settingsOf(await server.start()));
    expect(notices.join()).toMatch(/cuts long prompts/);
    const before = server.chats.length;
    await expect(askOne(endpoint, requestOf("word ".repeat(600)))).rejects.toMatchObject({
      trouble: "refused",
      message: expect.stringContaining("raise contextTokens"),
    });
    expect(server.chats).toHaveLength(before);
    await endpoint.dispose();
    await server.stop();
  });
});

describe("a model that cannot be opened", () => {
  it("is told apart: no server, another server, no such name, no chat", async () => {
    await expect(identified(settingsOf("http://127.0.0.1:9"))).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("no Ollama answers at http://127.0.0.1:9"),
      hint: expect.stringContaining("ollama serve"),
    });
    const server = new ScriptedOllama();
    const url = await server.start();
    await expect(identified(settingsOf(url, { name: "smal" }))).rejects.toMatchObject({
      message: expect.stringContaining("has no model smal"),
      hint: expect.stringMatching(
        /Did you mean small:latest\? `redistill models pull smal:latest --ollama`/,
      ),
    });
    server.version = "";
    await expect(identified(settingsOf(url))).rejects.toMatchObject({
      message: expect.stringContaining("is no Ollama"),
    });
    await server.stop();
  });

  it("is asked but not trained where the server does not show its prompts", async () => {
    const server = new ScriptedOllama();
    server.rendersOnDemand = false;
    const { endpoint, notices } = await identified(settingsOf(await server.start()));
    expect(notices.join()).toMatch(/can be asked, not trained/);
    expect((await endpoint.identify(never)).capabilities.adapters).toBe(false);
    await endpoint.dispose();
    await server.stop();
  });
});

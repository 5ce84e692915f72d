import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closenessByVectors, closenessByWords } from "../../src/controller/memory/closeness.js";
import { noCounts } from "../../src/controller/memory/write.js";
import { ranked } from "../../src/core/lesson.js";
import { cosine } from "../../src/core/vectors.js";
import type { EmbeddedChatModel } from "../../src/models/embedded/chat-model.js";
import type { EngineProcess } from "../../src/models/embedded/engine-process.js";
import { parsePrompt, readPromptFile } from "../../src/prompts/load.js";
import { Store } from "../../src/store/store.js";
import { answersOf, requestOf } from "../contract/chat-model.js";
import { loadEngine, startEngineProcess } from "../support/machine.js";

const { signal } = new AbortController();

const texts = [
  "Add the two numbers and write the sum.",
  "Write the sum of both numbers after you add them.",
  "The capital of France is a city on the Seine.",
];

describe("the embedded engine's vectors", () => {
  let model: EmbeddedChatModel;
  let elsewhere: EngineProcess;
  beforeAll(async () => {
    model = await loadEngine({ contextTokens: 256 });
    elsewhere = await startEngineProcess();
  });
  afterAll(async () => {
    await model.dispose();
    await elsewhere.dispose();
  });

  it("are the same alone and in company, each time and in a process of its own", async () => {
    const together = await model.embedder.embed(texts, signal);
    const [alone] = await model.embedder.embed([texts[1]!], signal);
    expect(alone).toEqual(together[1]);
    expect(await model.embedder.embed([...texts].reverse(), signal)).toEqual(together.reverse());
    const there = await elsewhere.embedder.embed(texts, signal);
    expect(there.map((vector) => [...vector])).toEqual(
      together.reverse().map((vector) => [...vector]),
    );
    expect(elsewhere.embedder.digest).toBe(model.embedder.digest);
    expect(model.embedder.digest).not.toBe(model.digest);
    expect(await model.embedder.embed([], signal)).toEqual([]);
  });

  it("have length 1 and are nearer for texts that say alike", async () => {
    const [one, alike, other] = await model.embedder.embed(texts, signal);
    expect(one).toHaveLength(576);
    expect(Math.hypot(...one!)).toBeCloseTo(1, 5);
    expect(cosine(one!, alike!)).toBeGreaterThan(cosine(one!, other!));
  });

  it("change no answer, and the engine answers after them", async () => {
    const request = requestOf("Name three rivers.", { temperature: 0.8, maxTokens: 12, seed: 7 });
    const [before] = await answersOf(model, [request]);
    await model.embedder.embed([texts[0]!], signal);
    const [after] = await answersOf(model, [request]);
    expect(after!.text).toBe(before!.text);
  });

  it("find the lesson that was planted for a task, where it has no word of it", async () => {
    const store = Store.open(
      join(mkdtempSync(join(tmpdir(), "redistill-vectors-")), "x.db"),
      "memory/migrations",
    );
    const planted = {
      'What is the opposite of "brave"?': "Give a contrary, never a synonym.",
      "What is the capital of Kenya?": "Name one nation's government seat.",
      "Which day comes after Monday?": "Count forward through Tuesday, Wednesday, Thursday.",
      "Which animal builds dams?": "Think about creatures with such traits.",
    };
    const tasks = Object.keys(planted);
    store.transaction(() => {
      for (const text of Object.values(planted)) {
        const lesson = { id: text, family: "f", cluster: null, text, source: "import" } as const;
        store.longTerm.insert({ ...lesson, counts: noCounts(0), elsewhere: [] });
      }
    });
    const { path, body } = readPromptFile(["prompts"], "embed", "one-word");
    const embedding = { embedder: model.embedder, frame: parsePrompt("embed", path, body) };
    const lessons = store.longTerm.active("f");
    const of = await closenessByVectors(store, embedding, lessons, tasks, signal);
    const first = tasks.map((task) => [task, ranked(lessons, of(task), 0)[0]!.text]);
    expect(Object.fromEntries(first)).toEqual(planted);
    expect(tasks.map((task) => closenessByWords(store, "f", task).size)).toEqual([0, 0, 0, 0]);
    store.close();
  });

  it("of a text that is too long are of its beginning and end", async () => {
    const middle = "and so on ".repeat(300);
    const [long, other] = await model.embedder.embed(
      [`Rivers. ${middle} The end.`, `Rivers. ${middle}${middle} The end.`],
      signal,
    );
    expect(cosine(long!, other!)).toBeGreaterThan(0.99);
  });

  it("are given up when they are not wanted any more", async () => {
    const stop = new AbortController();
    const many = Array.from({ length: 200 }, (_, i) => `Text number ${i} of many.`);
    const work = elsewhere.embedder.embed(many, stop.signal);
    setTimeout(() => stop.abort(), 50);
    await expect(work).rejects.toThrow();
    expect(await elsewhere.embedder.embed([texts[0]!], signal)).toHaveLength(1);
  });
});

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importLesson } from "../../src/controller/memory/by-hand.js";
import { closenessByVectors, closenessByWords } from "../../src/controller/memory/closeness.js";
import { lessonLineSchema } from "../../src/core/lesson-file.js";
import type { Embedder } from "../../src/core/ports.js";
import { unit } from "../../src/core/vectors.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { Store } from "../../src/store/store.js";
import { digestOf } from "../support/digest.js";
import { scriptedEmbedder } from "../support/embedder.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-retrieval-"));
const family = "jsonl:sums";
const { signal } = new AbortController();

const lessons = [
  "Read the minus sign twice before taking away.",
  "A cup is smaller than a jug when pouring water.",
  "Name the town after the customer.",
];

function withLessons(texts: readonly string[], tasks: readonly string[] = []): Store {
  const store = Store.open(join(folder(), "x.db"), "memory/migrations");
  store.transaction(() => {
    for (const text of texts) remember(store, text, tasks);
  });
  return store;
}

function remember(store: Store, text: string, tasks: readonly string[] = []): void {
  const line = { schema: "redistill-lesson", version: 1, family, texts: [text], tasks };
  expect(importLesson(store, lessonLineSchema.parse(line))).toBe(true);
}

/** Vectors that a test sets itself: what is alike need not have a word in common. */
function embedderOf(vectors: Readonly<Record<string, readonly number[]>>): Embedder {
  return {
    ...{ digest: "told", description: "told vectors" },
    embed: async (texts) => texts.map((text) => unit(vectors[text]!)),
  };
}

describe("lessons that are found by vectors", () => {
  it("are near where the meaning is, without a common word", async () => {
    const store = withLessons(lessons);
    const task = "What remains of nine apples once four were eaten?";
    const embedder = embedderOf({
      [lessons[0]!]: [5, 1, 0.1],
      [lessons[1]!]: [5, -1, 0.2],
      [lessons[2]!]: [5, 0.1, -1],
      [task]: [5, 0.9, 0.2],
    });
    const active = store.longTerm.active(family);
    expect(closenessByWords(store, family, task).size).toBe(0);
    const embedding = { embedder, frame: null };
    const of = await closenessByVectors(store, embedding, active, [task], signal);
    const [minus, cup, town] = active.map(({ id }) => of(task).get(id)!);
    // The mean is taken off: what all have in common, nearly all of their length, does not make them near.
    expect(minus).toBeGreaterThan(1.5);
    expect(cup).toBe(0);
    expect(town).toBeLessThan(minus! - 0.5);
    store.close();
  });

  it("are as near as the nearest of the tasks that they were learned from", async () => {
    const store = withLessons([lessons[1]!], ["Pour 3 jugs into 4 cups."]);
    store.transaction(() => remember(store, lessons[2]!));
    const [cup, town] = store.longTerm.active(family);
    const task = "Pour 7 jugs into 9 cups.";
    const embedding = { embedder: scriptedEmbedder(), frame: null };
    const of = await closenessByVectors(store, embedding, [cup!, town!], [task], signal);
    expect(of(task).get(cup!.id)).toBeGreaterThan(1);
    expect(of(task).get(town!.id)).toBe(0);
    store.close();
  });

  it("cost each text once in the life of the database, and again for another model or prompt", async () => {
    const store = withLessons(lessons);
    const active = store.longTerm.active(family);
    const first = scriptedEmbedder();
    const find = (embedder: Embedder, frame: string | null = null) =>
      closenessByVectors(
        store,
        { embedder, frame: frame === null ? null : frameOf(frame) },
        active,
        ["Take 3 away.", "Take 3 away."],
        signal,
      );
    await find(first);
    expect(first.asked).toEqual([...lessons, "Take 3 away."]);
    const again = scriptedEmbedder();
    await find(again);
    expect(again.asked).toEqual([]);
    const other = scriptedEmbedder("other");
    await find(other);
    expect(other.asked).toHaveLength(4);
    await find(again, "In a word, {{text}} is:");
    expect(again.asked).toHaveLength(4);
    expect(again.asked[0]).toBe(`In a word, ${lessons[0]} is:`);
    store.close();
  });

  it("cost nothing where there are none", async () => {
    const store = withLessons([]);
    const embedder = scriptedEmbedder();
    const of = await closenessByVectors(store, { embedder, frame: null }, [], ["x"], signal);
    expect(of("x").size).toBe(0);
    expect(embedder.asked).toEqual([]);
    store.close();
  });

  it("are refused where the vectors are of another size than before", async () => {
    const store = withLessons(lessons);
    const active = store.longTerm.active(family);
    const before = embedderOf(Object.fromEntries(lessons.map((text) => [text, [1, 2]])));
    await closenessByVectors(store, { embedder: before, frame: null }, active, [], signal);
    const after = { ...embedderOf({ x: [1, 2, 3] }), description: "the same name" };
    await expect(
      closenessByVectors(store, { embedder: after, frame: null }, active, ["x"], signal),
    ).rejects.toThrow(/the same name makes vectors of another size/);
    store.close();
  });
});

const frameOf = (user: string) =>
  parsePrompt(
    "embed",
    "prompts/embed/x.md",
    `---\nname: x\nversion: 1\nvariables: [text]\n---\n${user}\n`,
  );

describe("a run that finds lessons by vectors", () => {
  const tasks = folder();
  const recipe = sumsRecipe(tasks, {
    longTerm: { retrieval: "embedding", lessons: 1 },
    elicit: { tasksPerRound: 8 },
  });
  const planted = "Calculate every sum from the right.";

  async function planning(where: string) {
    const embedder = scriptedEmbedder();
    const run = await scriptedRun(where, recipe, { embedder });
    run.store.transaction(() => {
      for (const text of [...lessons, planted]) remember(run.store, text);
    });
    return { ...run, embedder };
  }

  it("is told the planted one, and keeps its vectors", async () => {
    const where = folder();
    const { store, work, embedder } = await planning(where);
    await work();
    const told = store.rounds.recalled.of("sums-1", 1);
    expect(told).toHaveLength(8);
    expect(new Set(told.map(({ text }) => text))).toEqual(new Set([planted]));
    expect(new Set(embedder.asked).size).toBe(embedder.asked.length);
    expect(store.vectors.find(embedder.digest, embedder.asked).size).toBe(embedder.asked.length);
    store.close();
  });

  it("sees the same lessons when it is stopped and resumed", async () => {
    const calm = folder();
    const whole = await planning(calm);
    await whole.work();
    whole.store.close();
    const where = folder();
    const begun = await planning(where);
    begun.store.close();
    for (const stopAt of [20, 60, Number.POSITIVE_INFINITY]) {
      const abort = new AbortController();
      let asked = 0;
      const part = await scriptedRun(where, recipe, {
        embedder: scriptedEmbedder(),
        script: (request, adapter) => {
          if (++asked === stopAt) abort.abort();
          return learner(request, adapter);
        },
      });
      await part.work(abort.signal).catch((error) => expect(error.kind).toBe("interrupted"));
      part.store.close();
    }
    const digest = (at: string) => digestOf(join(at, "memory", "redistill.db"));
    expect(digest(where)).toEqual(digest(calm));
  });
});

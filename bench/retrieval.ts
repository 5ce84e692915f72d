// Whether lessons are found by vectors of the default weights or by words: recall@4 and MRR of those of a task's own kind.
//   node --import tsx bench/retrieval.ts [--size 4] [--tasks word-problems.jsonl]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { migrationsDirectory, packagedPrompts } from "../src/cli/paths.js";
import {
  closenessByVectors,
  closenessByWords,
  type Embedding,
} from "../src/controller/memory/closeness.js";
import { noCounts } from "../src/controller/memory/write.js";
import { seedFor } from "../src/core/hash.js";
import type { Embedder } from "../src/core/ports.js";
import { cosine } from "../src/core/vectors.js";
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import { parsePrompt, readPromptFile } from "../src/prompts/load.js";
import { ensureWeights } from "../src/setup/weights.js";
import { bootstrapByTask, mean } from "../src/stats/index.js";
import { Store } from "../src/store/store.js";
import { printTable } from "./support/benchmark.js";
import { meanPooling } from "./support/mean-pooling.js";
import {
  general,
  type Kind,
  orders,
  type RetrievalCase,
  wordProblems,
} from "./support/retrieval-cases.js";

const { values } = parseArgs({
  options: { size: { type: "string", default: "4" }, tasks: { type: "string" } },
});
const size = Number(values.size);
if (!Number.isInteger(size) || size < 1)
  throw new Error("usage: retrieval.ts [--size 4] [--tasks problems.jsonl]");

const { signal } = new AbortController();
/** Lessons that are shown with a question by default. */
const shown = 4;
const family = "bench";

interface Found {
  readonly recall: number;
  readonly reciprocalRank: number;
}

/** How close each lesson of a database is to a task. */
type Way = (
  store: Store,
  tasks: readonly string[],
) => Promise<(task: string) => ReadonlyMap<string, number>>;

const weights = await ensureWeights({ signal, onNotice: (text) => console.error(text) });
const model = await EmbeddedChatModel.load({
  ...{ modelPath: weights.path, modelSha256: weights.sha256 },
  // One thread: nothing is timed, and two would spin against a busy neighbour.
  ...{ contextTokens: 512, sequences: 1, threads: 1 },
});
const pooled = await meanPooling(weights.path);
const { path, body } = readPromptFile([packagedPrompts], "embed", "one-word");
const product = { embedder: once(model.embedder), frame: parsePrompt("embed", path, body) };
const ways: readonly (readonly [name: string, way: Way])[] = [
  ["FTS5", async (store) => (task) => closenessByWords(store, family, task)],
  ["last state after the prompt, centred (the product's)", byVectors(product)],
  ["the same, not centred", uncentred(product)],
  ["last state of the bare text, centred", byVectors({ ...product, frame: null })],
  ["mean of all states, centred", byVectors({ embedder: once(pooled), frame: null })],
  ["mean of all states, not centred", uncentred({ embedder: once(pooled), frame: null })],
];
const cases = [
  orders(size, 2),
  general(),
  ...(values.tasks ? [wordProblems(values.tasks, 3 * size)] : []),
];
for (const each of cases) for (const withTasks of [false, true]) await measure(each, withTasks);
await pooled.close();
await model.dispose();

async function measure({ name, kinds }: RetrievalCase, withTasks: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "redistill-retrieval-"));
  const store = Store.open(join(folder, "x.db"), migrationsDirectory);
  const tasks = kinds.flatMap(({ asked }) => asked);
  const lessons = writeLessons(store, kinds, withTasks);
  console.log(
    `\n${name}, ${withTasks ? "lessons with two tasks that they were learned from" : "lessons alone"}: ${lessons} lessons of ${kinds.length} kinds, ${tasks.length} tasks; by chance recall@${shown} is ${percent(shown / lessons)}`,
  );
  const rows: string[][] = [];
  let words: Found[] = [];
  for (const [title, way] of ways) {
    const closeness = await way(store, tasks);
    const found = kinds.flatMap((kind) =>
      kind.asked.map((task) => judge(kind, task, closeness(task))),
    );
    if (rows.length === 0) words = found;
    rows.push([title, ...figures(found, words)]);
    console.error(`${new Date().toISOString()} ${name}: ${title}`);
  }
  printTable(["found by", `recall@${shown}`, "MRR", `recall@${shown} less FTS5's (95%)`], rows);
  store.close();
  rmSync(folder, { recursive: true });
}

function idOf(kind: Kind, index: number): string {
  return `${kind.name} ${index}`;
}

function writeLessons(store: Store, kinds: readonly Kind[], withTasks: boolean): number {
  store.transaction(() => {
    for (const kind of kinds) {
      for (const [index, text] of kind.lessons.entries()) {
        store.longTerm.insert({
          ...{ id: idOf(kind, index), family, cluster: null, text, source: "import" },
          ...{ counts: noCounts(0), elsewhere: withTasks ? kind.learnedFrom : [] },
        });
      }
    }
  });
  return store.longTerm.active(family).length;
}

/** Where the lessons of a task's kind are among all; of lessons that are equally close a lot decides. */
function judge(kind: Kind, task: string, closeness: ReadonlyMap<string, number>): Found {
  const of = (id: string) => closeness.get(id) ?? 0;
  const ids = cases.flatMap(({ kinds }) => (kinds.includes(kind) ? kinds : []));
  const order = ids
    .flatMap((each) => each.lessons.map((_, index) => idOf(each, index)))
    .sort((a, b) => of(b) - of(a) || seedFor(task, a) - seedFor(task, b));
  const own = kind.lessons.map((_, index) => idOf(kind, index));
  return {
    recall: order.slice(0, shown).filter((id) => own.includes(id)).length / own.length,
    reciprocalRank: 1 / (1 + order.findIndex((id) => own.includes(id))),
  };
}

function figures(found: readonly Found[], words: readonly Found[]): string[] {
  const differences = found.map(({ recall }, i) => recall - words[i]!.recall);
  const average = (items: readonly number[]) => mean(items) ?? 0;
  const { low, high } = bootstrapByTask(differences, average, { confidence: 0.95, seed: 1 });
  return [
    percent(average(found.map(({ recall }) => recall))),
    average(found.map(({ reciprocalRank }) => reciprocalRank)).toFixed(3),
    `${percent(average(differences))} (${percent(low)} to ${percent(high)})`,
  ];
}

function byVectors(embedding: Embedding): Way {
  return (store, tasks) =>
    closenessByVectors(store, embedding, store.longTerm.active(family), tasks, signal);
}

/** The same by cosines of the vectors as they are. */
function uncentred({ embedder, frame }: Embedding): Way {
  return async (store, tasks) => {
    const sources = store.longTerm.spokenFor(store.longTerm.active(family));
    const texts = [
      ...new Set([...sources.flatMap(({ text, prompts }) => [text, ...prompts]), ...tasks]),
    ];
    const asked = texts.map((text) => frame?.user.replace("{{text}}", () => text) ?? text);
    const made = await embedder.embed(asked, signal);
    const vectors = new Map(texts.map((text, index) => [text, made[index]!]));
    const of = (text: string) => vectors.get(text)!;
    return (task) =>
      new Map(
        sources.map(({ id, text, prompts }) => [
          id,
          Math.max(...[text, ...prompts].map((each) => cosine(of(task), of(each)))),
        ]),
      );
  };
}

/** An embedder that makes each vector once. */
function once(embedder: Embedder): Embedder {
  const known = new Map<string, Float32Array>();
  const { digest, description } = embedder;
  return {
    ...{ digest, description },
    async embed(texts) {
      const missing = texts.filter((text) => !known.has(text));
      const made = await embedder.embed(missing, signal);
      for (const [index, text] of missing.entries()) known.set(text, made[index]!);
      return texts.map((text) => known.get(text)!);
    },
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

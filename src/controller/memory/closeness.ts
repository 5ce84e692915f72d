import { RedistillError } from "../../core/errors.js";
import type { LongTermLesson } from "../../core/lesson.js";
import { familyOf } from "../../core/long-term.js";
import type { Embedder } from "../../core/ports.js";
import { type Prompt, renderPrompt } from "../../core/prompt.js";
import { tokensOf as wordsOf } from "../../core/shingles.js";
import { centred, cosine } from "../../core/vectors.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { commitAt } from "../commit.js";

/** Words of a text that lessons are looked for by, at most. */
const mostWords = 64;

/** Texts whose vectors are written in one transaction: what a kill may cost. */
const portion = 32;

/** By lesson's id, larger is closer; lessons that are far are absent or 0. */
type Closeness = ReadonlyMap<string, number>;

/** What makes vectors, and of the student's own weights the prompt around each text. */
export interface Embedding {
  readonly embedder: Embedder;
  readonly frame: Prompt | null;
}

/** How close some lessons are to each of some texts, in the way that the recipe wants. */
export async function closenessTo(
  context: {
    readonly store: Store;
    readonly embedding?: Embedding;
    readonly signal: AbortSignal;
  },
  run: RunRow,
  lessons: readonly LongTermLesson[],
  texts: readonly string[],
): Promise<(text: string) => Closeness> {
  const { store, embedding, signal } = context;
  if (run.recipe.longTerm?.retrieval !== "embedding") {
    return (text) => closenessByWords(store, familyOf(run.recipe), text);
  }
  if (!embedding) throw new Error(`run ${run.id} finds lessons by vectors and has none to ask`);
  return closenessByVectors(store, embedding, lessons, texts, signal);
}

/** bm25 of a text's words in lessons of a family and in the tasks that they were learned from. */
export function closenessByWords(store: Store, family: string, text: string): Closeness {
  const words = [...new Set(wordsOf(text))]
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .slice(0, mostWords);
  return store.longTerm.relevance(family, words);
}

/**
 * The cosine with a lesson's words or with a task that it was learned from, whichever is closer, of vectors without the
 * mean of all of them, less that of the lesson that is farthest: where all tasks are alike every lesson is far from
 * them, and only the differences say something.
 */
export async function closenessByVectors(
  store: Store,
  embedding: Embedding,
  lessons: readonly LongTermLesson[],
  texts: readonly string[],
  signal: AbortSignal,
): Promise<(text: string) => Closeness> {
  if (lessons.length === 0) return () => new Map();
  const sources = store.longTerm
    .spokenFor(lessons)
    .map(({ id, text, prompts }) => ({ id, texts: [text, ...prompts] }));
  const all = new Set([...sources.flatMap((source) => source.texts), ...texts]);
  const vectors = centred(await vectorsOf(store, embedding, [...all], signal));
  const of = (text: string) => vectors.get(text)!;
  return (text) => {
    const cosines = sources.map((source) =>
      Math.max(...source.texts.map((each) => cosine(of(text), of(each)))),
    );
    const farthest = Math.min(...cosines);
    return new Map(sources.map(({ id }, index) => [id, cosines[index]! - farthest]));
  };
}

/** A vector for each of some different texts: those that are in the database, and the others made and written there. */
async function vectorsOf(
  store: Store,
  { embedder, frame }: Embedding,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Float32Array>> {
  // By what the model reads: another prompt around a text is another vector.
  const asked = new Map(texts.map((text) => [text, framed(frame, text)]));
  const found = store.vectors.find(embedder.digest, [...asked.values()]);
  const missing = [...new Set(asked.values())].filter((text) => !found.has(text));
  for (let start = 0; start < missing.length; start += portion) {
    const part = missing.slice(start, start + portion);
    const made = await embedder.embed(part, signal);
    const vectors = new Map(part.map((text, index) => [text, made[index]!]));
    commitAt(store, "vectors", () => store.vectors.insertAll(embedder.digest, vectors));
    for (const [text, vector] of vectors) found.set(text, vector);
  }
  if (new Set([...found.values()].map(({ length }) => length)).size > 1) {
    throw new RedistillError(
      "state",
      `${embedder.description} makes vectors of another size than it did before`,
      "Was it replaced under its name? Put the former one back, or name another in longTerm.embedder of a new run.",
    );
  }
  return new Map(texts.map((text) => [text, found.get(asked.get(text)!)!]));
}

function framed(frame: Prompt | null, text: string): string {
  if (frame === null) return text;
  return renderPrompt(frame, { text })
    .map(({ content }) => content)
    .join("\n");
}

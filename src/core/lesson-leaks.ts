import type { Task } from "./entities.js";
import { givesAsAnswer } from "./given-answer.js";
import { leakIn, normalised, unsharedReferences } from "./leaks.js";
import { nearDuplicates, type TextItem } from "./similarity.js";

/** A lesson with the prompts of the tasks that it was learned from. */
export interface LearnedFrom extends TextItem {
  readonly prompts: readonly string[];
}

/** Shorter references stand in many a sentence: they are looked for where one is given as the answer. */
const shortestReference = 3;

/**
 * Which lessons could give a held-out task away: their text resembles or holds one or its reference, they give a short
 * reference as an answer (`givesAsAnswer`), or they were learned from a task that is (nearly) held out here. The id of
 * each, with the reason.
 *
 * @param threshold Similarity from which two texts are one task, as curation has it.
 */
export function heldOutLeaks(
  held: readonly Task[],
  threshold: number,
  lessons: readonly LearnedFrom[],
): Map<string, string> {
  const found = new Map<string, string>();
  const items: TextItem[] = [];
  const owners: { id: string; what: string }[] = [];
  const compare = (id: string, what: string, text: string) => {
    items.push({ id: String(owners.length), text });
    owners.push({ id, what });
  };
  for (const { id, text, prompts } of lessons) {
    compare(id, "it resembles", text);
    for (const prompt of prompts) compare(id, "it was learned from a task like", prompt);
  }
  const tasks = held.map(({ id, prompt }) => ({ id, text: prompt }));
  for (const { heldOutId, trainId } of nearDuplicates(tasks, items, threshold)) {
    const { id, what } = owners[Number(trainId)]!;
    if (!found.has(id)) found.set(id, `${what} held-out task ${heldOutId}`);
  }
  const isShort = ({ reference }: Task) => normalised(reference ?? "").length < shortestReference;
  const telling = held.map((task) => (isShort(task) ? { ...task, reference: null } : task));
  const short = unsharedReferences(held).filter((each) => each.length < shortestReference);
  for (const { id, text } of lessons) {
    if (found.has(id)) continue;
    const given = short.some((reference) => givesAsAnswer(text, reference));
    if (given || leakIn(text, "", telling) !== null) {
      found.set(id, "it holds a held-out task or its answer");
    }
  }
  return found;
}

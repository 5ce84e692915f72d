import type { Task } from "./entities.js";

/** From this share of tasks on, a reference is a label that says nothing of any one of them: "yes", "B". */
const labelShare = 0.1;

/** A task's text is looked for from this length on; shorter ones are words that any prompt may have. */
const shortestTask = 20;

/**
 * What a text has of the tasks: a reference, or a whole task, which the text that it was made from does not have.
 * Compared as whole words, without case and without separators in numbers.
 *
 * @param original "" where it was made from none.
 * @param tasks All that it must not give away.
 * @returns what was found, or null.
 */
export function leakIn(proposed: string, original: string, tasks: readonly Task[]): string | null {
  const [text, before] = [normalised(proposed), normalised(original)];
  const telling = new Set(unsharedReferences(tasks));
  for (const { prompt, reference: own } of tasks) {
    const reference = normalised(own ?? "");
    if (telling.has(reference) && holds(text, reference) && !holds(before, reference)) {
      return `it holds the reference of a task: ${reference.slice(0, 60)}`;
    }
    const question = normalised(prompt);
    if (question.length >= shortestTask && holds(text, question) && !holds(before, question)) {
      return `it holds a task: ${question.slice(0, 60)}`;
    }
  }
  return null;
}

/** The different references of some tasks as they are compared, without those that are labels. */
export function unsharedReferences(tasks: readonly Task[]): string[] {
  const counts = new Map<string, number>();
  for (const { reference } of tasks) {
    const known = normalised(reference ?? "");
    counts.set(known, (counts.get(known) ?? 0) + 1);
  }
  return [...counts].flatMap(([reference, count]) => {
    const isLabel = count > 1 && count >= labelShare * tasks.length;
    return isLabel || reference === "" ? [] : [reference];
  });
}

/** A text as it is compared: lower case, one space between words, no separators in numbers. */
export function normalised(text: string): string {
  return text
    .toLowerCase()
    .replace(/(?<=\d)[,' \u00a0\u202f](?=\d{3}(?!\d))/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Whether a text has another one between word boundaries; a number's are where no other digit is. */
function holds(text: string, part: string): boolean {
  if (part === "") return false;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    const before = text.slice(0, at);
    const after = text.slice(at + part.length);
    const joinsBefore = /[\p{L}\p{N}]$/u.test(before) && /^[\p{L}\p{N}]/u.test(part);
    const joinsAfter = /^[\p{L}\p{N}]/u.test(after) && /[\p{L}\p{N}]$/u.test(part);
    const isFraction = /\d[.]$/.test(before) || (/\d$/.test(part) && /^[.]\d/.test(after));
    if (!joinsBefore && !joinsAfter && !isFraction) return true;
  }
  return false;
}

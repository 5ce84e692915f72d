import type { Example } from "../../core/entities.js";

/** Shortest answers first: they teach the form that is asked for, and cost least to train on. */
export function shortestFirst(examples: readonly Example[]): Example[] {
  return [...examples].sort((a, b) => a.completion.length - b.completion.length);
}

/**
 * Most different texts first, by default answers (greedy farthest-point order): each next one has
 * the smallest word overlap, by Jaccard similarity, with its nearest among those already taken.
 */
export function diverseFirst(
  examples: readonly Example[],
  textOf = ({ completion }: Example) => completion,
): Example[] {
  const left = shortestFirst(examples).map((example) => ({
    example,
    words: new Set(textOf(example).toLowerCase().split(/\s+/)),
    nearest: 0,
  }));
  const taken: typeof left = [];
  while (left.length > 0) {
    const next = left.reduce((best, item) => (item.nearest < best.nearest ? item : best));
    left.splice(left.indexOf(next), 1);
    taken.push(next);
    for (const item of left) item.nearest = Math.max(item.nearest, jaccard(item.words, next.words));
  }
  return taken.map(({ example }) => example);
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return shared / (a.size + b.size - shared);
}

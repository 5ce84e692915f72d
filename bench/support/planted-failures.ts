import type { Failure } from "../../src/clusters/index.js";
import { sha256 } from "../../src/core/hash.js";
import { randomFrom } from "../../src/core/random.js";

/** A mistake that is planted: on which tasks it is made, what the verifier and the critic say of it. */
interface Mistake {
  readonly name: string;
  readonly verifier: string;
  readonly finding: (n: Numbers) => string;
  readonly prompt: (n: Numbers) => string;
  readonly answer: (n: Numbers) => string;
  readonly steps: readonly string[];
}

interface Numbers {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const read = ({ c }: Numbers) => `The final answer was read as ${c}, which is not right.`;
const bare = ({ c }: Numbers) => `${c}`;
const order = ({ a, b }: Numbers) =>
  `Write the order as number | item | day: please send ${a} ${["lamps", "chairs", "pens"][b % 3]} on day ${b}.`;
const line = ({ a, b, c }: Numbers) =>
  `${a + (c % 2)} | ${["lamps", "chairs", "pens"][c % 3]} | ${b}`;
const letter = ({ a, b }: Numbers) =>
  `Make JSON of the letter: customer ${a} lives in ${["Graz", "Linz", "Wels"][b % 3]} and owes ${b}.`;

/** Mistakes of models as a run meets them; some share a verifier's reason, some share tasks. */
export const mistakes: readonly Mistake[] = [
  {
    name: "lost carry",
    verifier: "numeric",
    finding: read,
    prompt: ({ a, b }) => `Calculate ${a} + ${b}.`,
    answer: bare,
    steps: [
      "The carry from the ones to the tens was lost.",
      "The carry into the tens was forgotten.",
      "The tens lack the carry of the ones.",
    ],
  },
  {
    name: "added in place of multiplied",
    verifier: "numeric",
    finding: read,
    prompt: ({ a, b }) => `Calculate ${a} * ${b}.`,
    answer: bare,
    steps: [
      "The two numbers were added, not multiplied.",
      "It added the numbers where they had to be multiplied.",
      "Both numbers were added in place of being multiplied.",
    ],
  },
  {
    name: "wrong unit",
    verifier: "numeric",
    finding: read,
    prompt: ({ a, b }) =>
      `A rope of ${a} metres is cut into ${b} pieces. How many centimetres has each?`,
    answer: ({ c }) => `Each piece has ${c} metres, so the answer is ${c}.`,
    steps: [
      "Metres were not turned into centimetres.",
      "The answer is in metres, not in centimetres.",
      "It gave metres where centimetres were asked for.",
    ],
  },
  {
    name: "wrong number of items",
    verifier: "fields",
    finding: () => "Field 1 is not what is expected.",
    prompt: order,
    answer: line,
    steps: ["The number of items is wrong.", "It wrote another number of items."],
  },
  {
    name: "wrong day",
    verifier: "fields",
    finding: () => "Field 3 is not what is expected.",
    prompt: order,
    answer: line,
    steps: ["The day is wrong.", "It wrote another day."],
  },
  {
    name: "no fields",
    verifier: "fields",
    finding: () => "The answer is no line of fields; the form has 3.",
    prompt: order,
    answer: ({ a }) => `Sure! I will gladly send the ${a} things.`,
    steps: [],
  },
  {
    name: "missing city",
    verifier: "json",
    finding: () => 'Missing keys: "city".',
    prompt: letter,
    answer: ({ a, b }) => `{"customer": ${a}, "owes": ${b}}`,
    steps: ["The city was left out."],
  },
  {
    name: "missing customer",
    verifier: "json",
    finding: () => 'Missing keys: "customer".',
    prompt: letter,
    answer: ({ b }) => `{"city": "Graz", "owes": ${b}}`,
    steps: ["The customer was left out."],
  },
];

export interface Planted {
  readonly failures: readonly Failure[];
  /** The mistake of each failure, by its id. */
  readonly truth: ReadonlyMap<string, string>;
  /** Failures that look like those of another mistake: in their critique, task and answer. */
  readonly disguised: ReadonlyMap<string, string>;
  /** Prompts of the training tasks. */
  readonly prompts: readonly string[];
}

/**
 * Failures with known mistakes. One in four has a critique; so great a share as `disguise` looks like another mistake of the
 * same reason in all but its label.
 */
export function plantedFailures(count: number, seed: number, disguise = 0): Planted {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const truth = new Map<string, string>();
  const disguised = new Map<string, string>();
  const failures = Array.from({ length: count }, (_, index): Failure => {
    const mistake = mistakes[below(mistakes.length)]!;
    const likes = mistakes.filter((each) => each.finding === mistake.finding && each !== mistake);
    const hidden = random() < disguise && likes.length > 0;
    const shown = hidden ? likes[below(likes.length)]! : mistake;
    const numbers = { a: 10 + below(90), b: 10 + below(90), c: below(10_000) };
    const id = `attempt_${sha256([seed, index]).slice(0, 20)}`;
    const prompt = shown.prompt(numbers);
    truth.set(id, mistake.name);
    if (hidden) disguised.set(id, shown.name);
    return {
      ...{ id, taskId: `task_${sha256(prompt).slice(0, 20)}`, prompt },
      ...{ outcome: "wrong", verifier: shown.verifier, finding: shown.finding(numbers) },
      answer: shown.answer(numbers),
      step:
        below(4) > 0 || shown.steps.length === 0 ? null : shown.steps[below(shown.steps.length)]!,
    };
  });
  return { failures, truth, disguised, prompts: failures.map(({ prompt }) => prompt) };
}

/**
 * How far two groupings of the same items agree: 1 for the same groups, 0 on average for random ones (the adjusted Rand
 * index, Hubert and Arabie 1985, J. Classification 2:193–218).
 */
export function adjustedRandIndex(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): number {
  const [left, right, both] = [new Map<string, number>(), new Map(), new Map()] as Map<
    string,
    number
  >[];
  const add = (counts: Map<string, number>, key: string) =>
    counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const [item, group] of a) {
    add(left!, group);
    add(right!, b.get(item)!);
    add(both!, JSON.stringify([group, b.get(item)]));
  }
  const pairs = (n: number) => (n * (n - 1)) / 2;
  const sum = (counts: Map<string, number>) =>
    [...counts.values()].reduce((all, n) => all + pairs(n), 0);
  const [inA, inB, inBoth] = [sum(left!), sum(right!), sum(both!)];
  const expected = (inA * inB) / pairs(a.size);
  return (inBoth - expected) / ((inA + inB) / 2 - expected);
}

import type { Example } from "../core/entities.js";
import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import { nearDuplicates } from "../core/similarity.js";
import {
  atLeast,
  atMostAbove,
  fewest,
  firstReading,
  type HealthInput,
  type Measure,
  type Monitor,
  percent,
  referencesOf,
} from "./monitor.js";

/** Examples that are compared with each other at most; more are drawn by lot, with the run's seed. */
const mostCompared = 500;
/** Similarity from which two answers say the same. */
const same = 0.9;

const learnedIn = ({ rows }: HealthInput) =>
  rows.examples.filter(({ source }) => source !== "replay");

/** Training again and again on what was learned before. */
export const fresh: Monitor = {
  name: "fresh",
  measure(input): Measure | null {
    const learned = learnedIn(input);
    if (learned.length < fewest) return null;
    const value =
      learned.filter(({ originRound }) => originRound === input.round).length / learned.length;
    return {
      value,
      // With every round giving as much as the others and none of it dropped.
      baseline: input.recipe.curate.carryOver ? 1 / input.round : 1,
      text: `${percent(value)} of ${learned.length} examples were written in this round`,
    };
  },
  healthy: atLeast,
};

/** Different tasks with the same answer to learn, more of them than the references explain. */
export const duplicates: Monitor = {
  name: "duplicates",
  measure(input): Measure | null {
    const seed = seedFor(input.recipe.seed, "health", "duplicates");
    const examples = shuffled(learnedIn(input), seed).slice(0, mostCompared);
    if (examples.length < fewest) return null;
    const value = repeated(examples, ({ completion }) => completion);
    const references = referencesOf(
      input.tasks.train,
      examples.map(({ taskId }) => taskId),
    );
    const expected =
      references && repeated(examples, (_, position) => references[position] as string);
    const baseline = expected ?? firstReading(input, "duplicates");
    const against =
      expected === null
        ? baseline === null
          ? ""
          : `; at first it was ${percent(baseline)}`
        : `; of their references ${percent(expected)}`;
    return {
      value,
      baseline,
      text: `${percent(value)} of ${examples.length} examples nearly repeat the answer to another task${against}`,
    };
  },
  healthy: atMostAbove,
};

/** The share of examples whose text is nearly that of an example of another task. */
function repeated(
  examples: readonly Example[],
  textOf: (example: Example, position: number) => string,
): number {
  const items = examples.map((example, position) => ({
    id: String(position),
    text: textOf(example, position),
  }));
  const found = new Set<string>();
  for (const { heldOutId, trainId } of nearDuplicates(items, items, same)) {
    const [a, b] = [examples[Number(heldOutId)]!, examples[Number(trainId)]!];
    if (a.taskId !== b.taskId) found.add(heldOutId).add(trainId);
  }
  return found.size / examples.length;
}

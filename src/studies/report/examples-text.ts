import type { Examples, StudyReport } from "./report.js";
import { nameOf, type Safe } from "./tables.js";
import { type Piece, wordDifference } from "./words.js";

/** Characters around a change that are kept where a text is long. */
const around = 24;

export interface ExampleText {
  readonly title: string;
  readonly task: string;
  readonly expected: string | null;
  readonly before: string;
  readonly after: string;
}

/** How many of how many are shown, and how they were chosen. */
export function examplesRemark({ examples, analysis }: StudyReport, safe: Safe): string | null {
  if (examples === null) return null;
  const { before, after, gained, lost, shown, seed } = examples;
  const named = (arm: string) => `${arm} (${safe(nameOf(analysis.arms, arm))})`;
  return `${named(after)} against ${named(before)}, both with seed ${seed}: ${gained} gate tasks that only the first got right, ${lost} that only the second did. The arm is the one with the largest difference; the ${shown.length} tasks were drawn by lot.`;
}

/** Examples for where nothing can be marked but by characters: [-only before-] and {+only after+}. */
export function exampleTexts({ shown, before, after }: Examples): ExampleText[] {
  return shown.map(({ gained, task, expected, ...answers }) => {
    const difference = wordDifference(answers.before.answer, answers.after.answer);
    const { outcome: was } = answers.before;
    const { outcome: is } = answers.after;
    return {
      title: gained ? `Right with ${after} only` : `Right with ${before} only`,
      task,
      expected,
      before: `(${was}) ${marked(difference.before, "[-", "-]")}`,
      after: `(${is}) ${marked(difference.after, "{+", "+}")}`,
    };
  });
}

function marked(pieces: readonly Piece[], open: string, close: string): string {
  return pieces
    .map(({ text, changed }) => {
      if (!changed) return shortened(text);
      // Spaces beside a word stay outside, where they do not look like part of it.
      const [, lead, word, trail] = /^(\s*)([\s\S]*?)(\s*)$/.exec(text)!;
      return word === "" ? text : `${lead}${open}${word}${close}${trail}`;
    })
    .join("");
}

function shortened(text: string): string {
  const characters = [...text];
  if (characters.length <= 3 * around) return text;
  return `${characters.slice(0, around).join("")} … ${characters.slice(-around).join("")}`;
}

import type { RubricSpec, Verdict } from "../../../core/entities.js";
import type { Complete, Verify } from "../../../core/ports.js";
import { type Prompt, renderPrompt } from "../../../core/prompt.js";
import { unreadable } from "../../../verifiers/index.js";
import { askJudge, type JudgeQuestion } from "./ask.js";
import { markFor, withoutControlTokens } from "./quoted.js";
import { gradeForm, readGrade } from "./read.js";

export interface Grader {
  readonly complete: Complete;
  readonly rubric: Prompt;
  readonly repair: Prompt;
  readonly seed: number;
}

type Item = Parameters<Verify>[0][number];

/**
 * `verify`, with a judge in the place of a verifier for tasks that are graded by rubric. Its calls go
 * through `complete`: they are cached and paid for like any other. A grade that cannot be read is
 * `ungradable`, never the lowest grade.
 */
export function gradingVerify(verify: Verify, grader: Grader): Verify {
  return async (items) => {
    const graded = [...items.keys()].filter((i) => isGraded(items[i]!));
    const others = [...items.keys()].filter((i) => !isGraded(items[i]!));
    const verdicts = new Map<number, Verdict>();
    const checked = await verify(others.map((i) => items[i]!));
    for (const [position, i] of others.entries()) verdicts.set(i, checked[position]!);
    const questions = graded.map((i) => questionOf(items[i]!, grader));
    const said = await askJudge(questions, grader.complete, grader.repair);
    for (const [position, i] of graded.entries()) {
      verdicts.set(i, verdictOf(items[i]!.task.verifier as RubricSpec, said[position]!.said));
    }
    return items.map((_, i) => verdicts.get(i)!);
  };
}

/** An answer that no verifier would look at is not worth a judge's time either. */
function isGraded({ task, answer }: Item): boolean {
  return task.verifier.kind === "rubric" && unreadable(answer) === null;
}

function questionOf({ task, answer }: Item, { rubric, seed }: Grader): JudgeQuestion<number> {
  const { scale, maxTokens } = task.verifier as RubricSpec;
  const [quotedTask, quotedAnswer] = [task.prompt, answer].map(withoutControlTokens) as [
    string,
    string,
  ];
  const seedParts = [seed, "rubric", task.id, answer];
  return {
    messages: renderPrompt(rubric, {
      task: quotedTask,
      answer: quotedAnswer,
      scale: String(scale),
      mark: markFor([quotedTask, quotedAnswer], ...seedParts),
    }),
    maxTokens,
    seedParts,
    form: gradeForm(scale),
    read: (text) => readGrade(text, scale),
  };
}

/** Grades are spread over 0 to 1, so that scores of different rubrics can be compared. */
function verdictOf({ kind, scale, threshold }: RubricSpec, grade: number | null): Verdict {
  if (grade === null) {
    const finding = "The judge gave no grade that could be read, twice.";
    return { outcome: "ungradable", score: null, verifier: kind, finding };
  }
  return {
    outcome: grade >= threshold ? "ok" : "wrong",
    score: (grade - 1) / (scale - 1),
    verifier: kind,
    finding: `The judge's grade is ${grade} of ${scale}; ${threshold} is needed.`,
  };
}

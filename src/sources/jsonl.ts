import { z } from "zod";
import type { Split, Task, VerifierSpec } from "../core/entities.js";
import { messageOf, RedistillError } from "../core/errors.js";
import { stableId } from "../core/hash.js";
import { ownVerifierSchema } from "../core/recipe.js";
import { readTextFile } from "../files/read-text.js";

/** One line of a task file. Keys that we do not know are kept out of the task but allowed. */
const referenceLike = ["answer", "target", "output", "expected", "label", "solution", "completion"];

const line = z.object({
  prompt: z.string().min(1),
  reference: z.union([z.string(), z.number()]).nullable().optional(),
  verifier: ownVerifierSchema.optional(),
  tags: z.array(z.string()).optional(),
});

export interface TaskLine {
  readonly prompt: string;
  readonly reference: string | null;
  readonly verifier: VerifierSpec;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/** Larger files are refused: the tasks of a run are held in memory and copied into the database. */
const largestFile = 256 * 2 ** 20;
const largestPrompt = 32_000;

/**
 * Reads tasks from a JSONL file: `{"prompt": …, "reference": …}` on each line, with optional
 * `verifier` and `tags`. Blank lines are allowed.
 *
 * @throws RedistillError `usage` naming the file and line of the first thing that is wrong: not
 * UTF-8, not JSON, a missing or empty prompt, the same prompt twice, a file without tasks.
 */
export function readTaskFile(path: string, fallback: VerifierSpec): TaskLine[] {
  const seen = new Map<string, number>();
  const tasks: TaskLine[] = [];
  for (const [index, text] of readTextFile(path, "task file", largestFile).split("\n").entries()) {
    if (text.trim() === "") continue;
    const number = index + 1;
    const task = parseLine(path, number, text, fallback);
    const twin = seen.get(task.prompt.trim());
    if (twin !== undefined) {
      throw bad(path, number, `the same prompt as line ${twin}`, "Remove one of the two lines.");
    }
    seen.set(task.prompt.trim(), number);
    tasks.push(task);
  }
  if (tasks.length === 0) {
    throw new RedistillError(
      "usage",
      `${path} has no tasks`,
      'Write one JSON object a line: {"prompt": "…", "reference": "…"}.',
    );
  }
  return tasks;
}

function parseLine(path: string, number: number, text: string, fallback: VerifierSpec): TaskLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(
      path,
      number,
      `not JSON (${messageOf(cause)})`,
      "Write one whole JSON object on each line.",
    );
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join(".") ?? "";
    throw bad(
      path,
      number,
      `${where || "the line"}: ${issue?.message ?? "is not a task"}`,
      'A task is {"prompt": text, "reference": text or number, …}.',
    );
  }
  const { prompt, reference, verifier: own, tags } = parsed.data;
  if (prompt.trim() === "")
    throw bad(path, number, "the prompt is blank", "Fill it in or remove the line.");
  if (prompt.length > largestPrompt) {
    throw bad(
      path,
      number,
      `the prompt has ${prompt.length} characters; the most is ${largestPrompt}`,
      "Shorten it.",
    );
  }
  const meant = Object.keys(value as object).find((key) => referenceLike.includes(key));
  if (reference === undefined && meant !== undefined) {
    throw bad(path, number, `it has \`${meant}\` but no \`reference\``, "Call that key reference.");
  }
  return {
    prompt,
    reference: reference == null ? null : String(reference),
    verifier: own ?? fallback,
    tags: tags ?? [],
    metadata: null,
  };
}

function bad(path: string, number: number, what: string, hint: string): RedistillError {
  return new RedistillError("usage", `${path}, line ${number}: ${what}`, hint);
}

/** A task of a run; its id depends on its content and split alone. */
export function taskFrom(line: TaskLine, split: Split): Task {
  return { id: stableId("task", split, line.prompt, line.reference), split, ...line };
}

import type { Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import type { Recipe } from "../core/recipe.js";
import { retentionSuites } from "../core/retention.js";
import { readTaskFile, taskFrom } from "./jsonl.js";

/**
 * The tasks of all retention suites of a recipe, suite by suite; none where it has none.
 *
 * @throws RedistillError `usage` as `readTaskFile`, and where two suites ask the same.
 */
export function readRetention(retention: Recipe["retention"]): Task[] {
  const suiteOf = new Map<string, string>();
  return retentionSuites(retention).flatMap(({ name, path }) =>
    readTaskFile(path, { kind: "contains" }).map((line): Task => {
      const task = taskFrom(line, "retention");
      if (name === null) return task;
      const other = suiteOf.get(line.prompt.trim());
      if (other !== undefined) throw asksTheSame(other, name, path, line.prompt);
      suiteOf.set(line.prompt.trim(), name);
      return { ...task, suite: name };
    }),
  );
}

/** Each suite has its own margin: one task under two of them would be held against both. */
function asksTheSame(one: string, other: string, path: string, prompt: string): RedistillError {
  return new RedistillError(
    "usage",
    `the retention suites ${one} and ${other} both ask: ${prompt.slice(0, 80)}`,
    `Take it out of one of the two files (${path} is that of ${other}), or put both into one suite.`,
  );
}

import type { RunContext } from "../unit.js";

/** What is remembered of tasks such as this run's, the most relevant first; nothing until there is a memory of runs. */
export function lessonsFor(_context: RunContext): readonly string[] {
  return [];
}

import { type LongTermLesson, worthOf } from "../../core/lesson.js";
import { plural } from "../../report/figures.js";
import type { JournalRow } from "../../store/long-term.js";
import type { Store } from "../../store/store.js";
import { aboutLesson, findLesson, type MemoryOptions, requireFamily } from "../lessons.js";
import { withStore } from "../reading.js";
import { tableLines } from "../table.js";

/** `redistill memory list`: lessons in use, the most valuable of each family first. */
export function memoryListCommand(
  flags: { readonly family?: string; readonly all?: boolean },
  { workspace, output }: MemoryOptions,
): Promise<void> {
  return withStore(workspace, (store) => {
    const family = requireFamily(store, flags.family);
    const lessons = store.longTerm
      .all(family)
      .filter(({ state }) => flags.all || state === "active")
      .sort((a, b) => byFamily(a, b) || byValue(store, a, b));
    const told = lessons.map((lesson) => aboutLesson(store, lesson));
    output.result({ kind: "lessons", lessons: told });
    if (told.length === 0) {
      output.line("No lessons yet: a recipe with longTerm learns them (docs/memory.md).");
      return;
    }
    const rows = told.map(({ id, family: of, state, confidence, tasks, text }) => [
      ...[id, of, confidence.toFixed(2), String(tasks)],
      state === "active" ? text : `(${state}) ${text}`,
    ]);
    const head = ["lesson", "family", "confidence", "tasks", "text"];
    for (const line of tableLines([head, ...rows])) output.line(line);
  });
}

function byFamily(a: LongTermLesson, b: LongTermLesson): number {
  return a.family === b.family ? 0 : a.family < b.family ? -1 : 1;
}

function byValue(store: Store, a: LongTermLesson, b: LongTermLesson): number {
  const now = store.longTerm.clock(a.family);
  const rank = ({ state }: LongTermLesson) => (state === "active" ? 0 : 1);
  return rank(a) - rank(b) || worthOf(b, now) - worthOf(a, now);
}

/** `redistill memory show <lesson>`: where it is from, what became of it, and its history. */
export function memoryShowCommand(
  named: string,
  { workspace, output }: MemoryOptions,
): Promise<void> {
  return withStore(workspace, (store) => {
    const lesson = findLesson(store, named);
    const { id } = lesson;
    const told = aboutLesson(store, lesson);
    const evidence = store.longTerm.evidence(id);
    const history = store.longTerm.history(id);
    const versions = store.longTerm.versions(id);
    output.result({ kind: "lesson", ...told, evidence, history, versions });
    output.line(`${id}, version ${told.version}, ${told.state}`);
    output.line(`  ${told.text}`);
    if (told.reason !== null) output.line(`Not in use: ${told.reason}.`);
    output.line(`Family ${told.family}${told.cluster === null ? "" : `, about ${told.cluster}`}.`);
    output.line(`Confidence ${told.confidence.toFixed(2)}: ${outcomes(lesson)}.`);
    output.line(`Last of use ${told.roundsSinceUse} rounds of the family ago.`);
    const inView = evidence.filter(({ attemptId }) => attemptId === null);
    for (const { runId, round, prompt, attemptId, revisionId } of evidence) {
      if (attemptId === null) continue;
      const mended = attemptId && revisionId ? ` (${attemptId}, mended by ${revisionId})` : "";
      output.line(`Evidence: run ${runId}, round ${round}: ${oneLine(prompt)}${mended}`);
    }
    if (inView.length > 0) {
      output.line(`In view of the coach that wrote it: ${plural(inView.length, "other task")}.`);
    }
    for (const row of history) output.line(happened(row));
    for (const { version, text } of versions.slice(0, -1)) {
      output.line(`Version ${version}: ${text}`);
    }
  });
}

/** Counted figures fade, so that tasks need not be whole. */
function outcomes({ counts }: LongTermLesson): string {
  const { shownRight, shownTasks, withheldRight, withheldTasks } = counts;
  if (shownTasks + withheldTasks === 0) return "not tried yet";
  const share = (right: number, tasks: number) =>
    tasks === 0 ? "no task" : `${((100 * right) / tasks).toFixed(0)}% of ${tasks.toFixed(1)} tasks`;
  return `right in ${share(shownRight, shownTasks)} with it, ${share(withheldRight, withheldTasks)} without`;
}

function happened({ at, kind, runId, round, reason }: JournalRow): string {
  const where = runId === null ? "by hand" : `run ${runId}, round ${round}`;
  return `${at.slice(0, 16).replace("T", " ")}  ${kind}, ${where}${reason === null ? "" : `: ${reason}`}`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

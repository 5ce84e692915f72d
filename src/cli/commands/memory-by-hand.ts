import { editLesson, forgetLesson } from "../../controller/memory/by-hand.js";
import type { LongTermLesson } from "../../core/lesson.js";
import { Store } from "../../store/store.js";
import { findLesson, type MemoryOptions } from "../lessons.js";
import { migrationsDirectory } from "../paths.js";
import { requireDatabase } from "../reading.js";

/** `redistill memory edit <lesson> <text>`. A run under way keeps the words that its round began with. */
export function memoryEditCommand(named: string, text: string, options: MemoryOptions): void {
  const { output } = options;
  const lesson = changed(named, options, (store, found) => editLesson(store, found, text));
  output.result({ kind: "memory-edit", id: lesson.id, version: lesson.version, text });
  output.line(`${lesson.id} is at version ${lesson.version} now; it counts as not tried yet.`);
  if (lesson.state !== "active") output.line(`It was retired at once: ${lesson.reason}.`);
}

/** `redistill memory forget <lesson>`: says what is lost. */
export function memoryForgetCommand(named: string, options: MemoryOptions): void {
  const { output } = options;
  const lesson = changed(named, options, forgetLesson);
  const { id, text, tasks, counts } = lesson;
  const tried = Math.round(counts.shownTasks + counts.withheldTasks);
  output.result({ kind: "memory-forget", id, text, tasks, tried });
  output.line(`Forgotten: ${text}`);
  output.line(
    `Lost to later runs: what ${tasks} tasks say for it and ${tried} tried it on. Nothing that says the same is learned again.`,
  );
  output.line("Its history stays, for the reports of the runs that used it.");
}

/** Finds and changes a lesson in one transaction; gives it as it is then. */
function changed(
  named: string,
  { workspace }: MemoryOptions,
  change: (store: Store, lesson: LongTermLesson) => void,
): LongTermLesson {
  requireDatabase(workspace);
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    return store.transaction(() => {
      const lesson = findLesson(store, named);
      change(store, lesson);
      return store.longTerm.find(lesson.id)!;
    });
  } finally {
    store.close();
  }
}

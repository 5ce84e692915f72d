import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { exportedLesson, importLesson } from "../../controller/memory/by-hand.js";
import { RedistillError } from "../../core/errors.js";
import { lessonLineText, parseLessonLine } from "../../core/lesson-file.js";
import { redact } from "../../core/secrets.js";
import { readTextFile } from "../../files/read-text.js";
import { writeFileAtomic } from "../../setup/files.js";
import { Store } from "../../store/store.js";
import { type MemoryOptions, requireFamily } from "../lessons.js";
import { migrationsDirectory } from "../paths.js";
import { withStore } from "../reading.js";

/** Largest file of lessons, in bytes. */
const largest = 64 * 2 ** 20;

/** `redistill memory export <file>`: all lessons, those not in use too, as JSON lines. */
export function memoryExportCommand(
  file: string,
  flags: { readonly family?: string; readonly force?: boolean },
  { workspace, output }: MemoryOptions,
): Promise<void> {
  const path = resolve(file);
  if (existsSync(path) && !flags.force) {
    throw new RedistillError(
      "usage",
      `${file} exists already`,
      "Name another file, or add --force.",
    );
  }
  return withStore(workspace, async (store) => {
    const lessons = store.longTerm.all(requireFamily(store, flags.family));
    const lines = lessons.map((lesson) => redact(lessonLineText(exportedLesson(store, lesson))));
    await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(""));
    output.result({ kind: "memory-export", file: path, lessons: lines.length });
    output.line(`${lines.length} lessons are in ${file}.`);
  });
}

/** `redistill memory import <file>`: every line is checked; all are taken in, or none. */
export function memoryImportCommand(file: string, { workspace, output }: MemoryOptions): void {
  const texts = readTextFile(resolve(file), "file of lessons", largest).split("\n");
  const bad = (number: number, what: string) =>
    new RedistillError(
      "usage",
      `${file}, line ${number}: ${what}`,
      "Nothing was imported. Correct or remove the line; docs/memory.md says what a line holds.",
    );
  const lines = texts.flatMap((text, index) => {
    if (text.trim() === "") return [];
    const line = parseLessonLine(text);
    if (typeof line === "string") throw bad(index + 1, line);
    return [{ number: index + 1, line }];
  });
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    const added = store.transaction(
      () =>
        lines.filter(({ number, line }) => {
          const taken = importLesson(store, line);
          if (typeof taken === "object") throw bad(number, taken.fault);
          return taken;
        }).length,
    );
    const known = lines.length - added;
    output.result({ kind: "memory-import", file: resolve(file), added, known });
    output.line(`${added} lessons imported${known > 0 ? `, ${known} known already` : ""}.`);
  } finally {
    store.close();
  }
}

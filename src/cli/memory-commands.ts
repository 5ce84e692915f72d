import type { Command } from "commander";
import type { MemoryOptions } from "./lessons.js";

/** Adds `redistill memory …`. A lesson is named by its id or by the beginning of it. */
export function addMemoryCommands(program: Command, shared: () => MemoryOptions): void {
  const memory = program.command("memory").description("lessons that outlive runs");
  memory
    .command("list")
    .description("lessons in use, the most valuable of each family first")
    .option("--family <family>", "of this family alone")
    .option("--all", "also those that are not in use any more, with the reason")
    .action(async (flags) =>
      (await import("./commands/memory.js")).memoryListCommand(flags, shared()),
    );
  memory
    .command("show <lesson>")
    .description("a lesson with its evidence, what became of it, and its history")
    .action(async (lesson) =>
      (await import("./commands/memory.js")).memoryShowCommand(lesson, shared()),
    );
  memory
    .command("edit <lesson> <text>")
    .description("give a lesson other words; the former ones stay in its history")
    .action(async (lesson, text) =>
      (await import("./commands/memory-by-hand.js")).memoryEditCommand(lesson, text, shared()),
    );
  memory
    .command("forget <lesson>")
    .description("take a lesson out of use for good, and never learn it again")
    .action(async (lesson) =>
      (await import("./commands/memory-by-hand.js")).memoryForgetCommand(lesson, shared()),
    );
  memory
    .command("export <file>")
    .description("write lessons as JSON lines")
    .option("--family <family>", "of this family alone")
    .option("--force", "overwrite the file")
    .action(async (file, flags) =>
      (await import("./commands/memory-files.js")).memoryExportCommand(file, flags, shared()),
    );
  memory
    .command("import <file>")
    .description("take in the lessons of a file, all of them or none")
    .action(async (file) =>
      (await import("./commands/memory-files.js")).memoryImportCommand(file, shared()),
    );
}

import type { Command } from "commander";
import { memoryListCommand, memoryShowCommand } from "./commands/memory.js";
import { memoryEditCommand, memoryForgetCommand } from "./commands/memory-by-hand.js";
import { memoryExportCommand, memoryImportCommand } from "./commands/memory-files.js";
import type { MemoryOptions } from "./lessons.js";

/** Adds `redistill memory …`. A lesson is named by its id or by the beginning of it. */
export function addMemoryCommands(program: Command, shared: () => MemoryOptions): void {
  const memory = program.command("memory").description("lessons that outlive runs");
  memory
    .command("list")
    .description("lessons in use, the most valuable of each family first")
    .option("--family <family>", "of this family alone")
    .option("--all", "also those that are not in use any more, with the reason")
    .action((flags) => memoryListCommand(flags, shared()));
  memory
    .command("show <lesson>")
    .description("a lesson with its evidence, what became of it, and its history")
    .action((lesson) => memoryShowCommand(lesson, shared()));
  memory
    .command("edit <lesson> <text>")
    .description("give a lesson other words; the former ones stay in its history")
    .action((lesson, text) => memoryEditCommand(lesson, text, shared()));
  memory
    .command("forget <lesson>")
    .description("take a lesson out of use for good, and never learn it again")
    .action((lesson) => memoryForgetCommand(lesson, shared()));
  memory
    .command("export <file>")
    .description("write lessons as JSON lines")
    .option("--family <family>", "of this family alone")
    .option("--force", "overwrite the file")
    .action((file, flags) => memoryExportCommand(file, flags, shared()));
  memory
    .command("import <file>")
    .description("take in the lessons of a file, all of them or none")
    .action((file) => memoryImportCommand(file, shared()));
}

import type { Command } from "commander";
import { hereOrDetached, type WorkingFlags } from "./here-or-detached.js";
import type { RunOptions } from "./work.js";
import type { WorkFlags } from "./work-through.js";

/** Adds `redistill prompts …`. A prompt is named by `<stage>/<name>` or by its file. */
export function addPromptCommands(
  program: Command,
  shared: () => Omit<RunOptions, keyof WorkFlags>,
  working: (command: Command) => Command,
): void {
  const prompts = program.command("prompts").description("what models are asked with");
  prompts
    .command("list")
    .description("all that a recipe could name, with version and source")
    .action(async () => (await import("./commands/prompts.js")).promptsListCommand(shared()));
  prompts
    .command("show <prompt>")
    .description("a prompt's file, named as critique/locate-error")
    .action(async (prompt) =>
      (await import("./commands/prompts.js")).promptsShowCommand(prompt, shared()),
    );
  prompts
    .command("diff <first> <second>")
    .description("what differs between two prompts, line by line")
    .action(async (first, second) =>
      (await import("./commands/prompts.js")).promptsDiffCommand(first, second, shared()),
    );
  prompts
    .command("lint [files...]")
    .description("look for what is wrong with prompts (default: all that a recipe could name)")
    .action(async (files) =>
      (await import("./commands/prompts-lint.js")).promptsLintCommand(files, shared()),
    );
  prompts
    .command("render <prompt>")
    .description("the messages as a model gets them, of a sample task")
    .option("--vars <file>", "a JSON object with the variables' values instead")
    .action(async (prompt, flags) =>
      (await import("./commands/prompts-render.js")).promptsRenderCommand(prompt, flags, shared()),
    );
  prompts
    .command("new <prompt>")
    .description("a prompt file in this folder, to edit")
    .option("--from <parent>", "a copy of this prompt, which is then its parent")
    .action(async (prompt, flags) =>
      (await import("./commands/prompts-new.js")).promptsNewCommand(prompt, flags, shared()),
    );
  working(prompts.command("evolve <evolution>"))
    .description("look for a better critique prompt, which must win again on other tasks")
    .option("--dry-run", "say what it would do, cost and find, and do nothing")
    .option("--new", "start another search even if one is unfinished")
    .action((evolution, given: Searching) =>
      hereOrDetached(given, shared(), async (flags, options) =>
        (await import("./commands/prompts-evolve.js")).promptsEvolveCommand(
          evolution,
          flags,
          options,
        ),
      ),
    );
}

type Searching = WorkingFlags & { readonly dryRun?: boolean };

import type { Command } from "commander";
import { detachCommand } from "./commands/detach.js";
import { promptsDiffCommand, promptsListCommand, promptsShowCommand } from "./commands/prompts.js";
import { promptsEvolveCommand } from "./commands/prompts-evolve.js";
import { promptsLintCommand } from "./commands/prompts-lint.js";
import { promptsNewCommand } from "./commands/prompts-new.js";
import { promptsRenderCommand } from "./commands/prompts-render.js";
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
    .action(() => promptsListCommand(shared()));
  prompts
    .command("show <prompt>")
    .description("a prompt's file, named as critique/locate-error")
    .action((prompt) => promptsShowCommand(prompt, shared()));
  prompts
    .command("diff <first> <second>")
    .description("what differs between two prompts, line by line")
    .action((first, second) => promptsDiffCommand(first, second, shared()));
  prompts
    .command("lint [files...]")
    .description("look for what is wrong with prompts (default: all that a recipe could name)")
    .action((files) => promptsLintCommand(files, shared()));
  prompts
    .command("render <prompt>")
    .description("the messages as a model gets them, of a sample task")
    .option("--vars <file>", "a JSON object with the variables' values instead")
    .action((prompt, flags) => promptsRenderCommand(prompt, flags, shared()));
  prompts
    .command("new <prompt>")
    .description("a prompt file in this folder, to edit")
    .option("--from <parent>", "a copy of this prompt, which is then its parent")
    .action((prompt, flags) => promptsNewCommand(prompt, flags, shared()));
  working(prompts.command("evolve <evolution>"))
    .description("look for a better critique prompt, which must win again on other tasks")
    .option("--dry-run", "say what it would do, cost and find, and do nothing")
    .option("--new", "start another search even if one is unfinished")
    .action((evolution, { until, detachedLog, detach, ...flags }: Searching) =>
      detach
        ? detachCommand(shared())
        : promptsEvolveCommand(evolution, flags, { ...shared(), until, detachedLog }),
    );
}

type Searching = WorkFlags & { readonly detach?: boolean; readonly dryRun?: boolean };

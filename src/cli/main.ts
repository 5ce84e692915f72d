#!/usr/bin/env node
import { Command, CommanderError, Option } from "commander";
import { exitCodes, messageOf, RedistillError } from "../core/errors.js";
import { ollamaUrl } from "../core/model.js";
import { mergedTypes } from "../training/export.js";
import { hereOrDetached, type WorkingFlags } from "./here-or-detached.js";
import { addMemoryCommands } from "./memory-commands.js";
import { numberBetween, timeOfDay } from "./options.js";
import { createOutput } from "./output.js";
import { packageVersion, workspaceAt } from "./paths.js";
import { presentable } from "./printable.js";
import { addPromptCommands } from "./prompt-commands.js";
import { spelled } from "./spelling.js";
import { outliveReaders } from "./streams.js";

const examples = `
Examples:
  redistill doctor                          what is here, what is missing
  redistill init                            a commented recipe to edit
  redistill run recipe.yaml                 start, or go on after a stop
  redistill status                          all runs; \`status <run>\` in detail
  redistill report                          what came out of the latest run
  redistill sample "Calculate 12 + 30."     before and after, side by side
  redistill export                          the adapter and its training set
`;

// Each action loads its own command, so that `status` need not wait for what `run` needs.
const abort = new AbortController();
const program = new Command("redistill");
const shared = () => {
  const { database, json } = program.opts<{ database?: string; json?: boolean }>();
  return {
    workspace: workspaceAt(process.cwd(), database),
    output: createOutput(json ?? false),
    signal: abort.signal,
  };
};

program
  .description(
    "A model teaches itself: self-distillation rounds with real training and an honest gate.",
  )
  .option("--database <file>", "the database (default: memory/redistill.db here)")
  .option("--json", "one JSON object a line instead of text")
  .version(packageVersion(), "-V, --version", "print the version")
  .addHelpText("after", examples)
  .showHelpAfterError("`redistill --help` lists commands and options.")
  .exitOverride();

/** What `run` and `resume` share. */
const working = (command: Command) =>
  command
    .option("--until <time>", "leave the run paused at that time, as 07:00", timeOfDay)
    .option("--detach", "go on in the background, also when the terminal is closed")
    .addOption(new Option("--detached-log <file>").hideHelp());

working(program.command("run <recipe>"))
  .description("work through a recipe; goes on with its unfinished run if there is one")
  .option("--model <file>", "a GGUF model instead of the recipe's")
  .option("--tasks <file>", "a JSONL file instead of the one that the recipe names")
  .option("--new", "start another run even if one is unfinished")
  .option("--once", "start no other run where one of this recipe has finished")
  .action((recipe, given: WorkingFlags) =>
    hereOrDetached(given, shared(), async (flags, options) =>
      (await import("./commands/run.js")).runCommand(recipe, flags, options),
    ),
  );

working(program.command("resume [run]"))
  .description("go on with a run that was stopped (default: the latest that has not finished)")
  .option(
    "--budget <what=amount>",
    "another budget than the recipe's, as tokens=2000000 or night.minutes=none; may be repeated",
    (change: string, earlier: readonly string[] = []) => [...earlier, change],
  )
  .action((run, given: WorkingFlags) =>
    hereOrDetached(given, shared(), async (flags, options) =>
      (await import("./commands/run.js")).resumeCommand(run, flags, options),
    ),
  );

working(program.command("ablate <study>"))
  .description("vary settings of a recipe under controls; goes on with an unfinished study")
  .option("--dry-run", "say what it would do, cost and find, and do nothing")
  .option("--new", "start another study even if one is unfinished")
  .action((study, given: WorkingFlags & { dryRun?: boolean }) =>
    hereOrDetached(given, shared(), async (flags, options) =>
      (await import("./commands/ablate.js")).ablateCommand(study, flags, options),
    ),
  );

program
  .command("stop [run]")
  .description("stop the process that works on a run, and wait until it has (default: the latest)")
  .action(async (run) => (await import("./commands/stop.js")).stopCommand(run, shared()));

program
  .command("pause [run]")
  .description("let a run end its stage and leave it paused, until it is resumed")
  .action(async (run) => (await import("./commands/pause.js")).pauseCommand(run, shared()));

program
  .command("logs [run]")
  .description("what a run did when (default: the latest)")
  .option("-f, --follow", "and what it does, until its process ends")
  .action(async (run, flags) =>
    (await import("./commands/logs.js")).logsCommand(run, flags, shared()),
  );

program
  .command("status [run]")
  .description("all runs, or one in detail; reads only")
  .action(async (run) => (await import("./commands/status.js")).statusCommand(run, shared()));

program
  .command("report [id]")
  .description("what came out of a run or a study, finished or not (default: the latest run)")
  .option("--markdown", "print the Markdown that is written to runs/<run>/report.md")
  .option("--html", "print only the path of the page, runs/<run>/report.html")
  .option("--times", "of a study: with when everything ran, which no two machines share")
  .action(async (run, flags) =>
    (await import("./commands/report.js")).reportCommand(run, flags, shared()),
  );

program
  .command("failures [run]")
  .description(
    "wrong answers grouped by what went wrong, with an example each (default: the latest run)",
  )
  .action(async (run) => (await import("./commands/failures.js")).failuresCommand(run, shared()));

program
  .command("sample [prompt]")
  .description("ask base and incumbent the same; without a prompt a chat, or the standard input")
  .option("--run <run>", "the run whose incumbent answers (default: the latest finished)")
  .option("--adapter <name>", "incumbent, base, or the beginning of an adapter's sha256")
  .option("--temperature <t>", "0 is greedy, as at evaluation (default)", numberBetween(0, 5))
  .option("--seed <n>", "for a temperature above 0", numberBetween(0, 2 ** 31 - 1, "whole"))
  .option("--max-tokens <n>", "longest answer", numberBetween(1, 4096, "whole"))
  .option("--chat", "questions line by line")
  .option("--plain", "send the text as it is, without the run's student prompt")
  .action(async (prompt, flags) =>
    (await import("./commands/sample.js")).sampleCommand(prompt, flags, shared()),
  );

program
  .command("export [run]")
  .description("the adapter for llama.cpp and PEFT, its training set, where it is from")
  .option("--adapter <sha256>", "another candidate than the incumbent")
  .option("--output <folder>", "where to (default: exports/<run>)")
  .option("--force", "replace an earlier export")
  .addOption(
    new Option("--merged <type>", "also base and adapter in one, which runs anywhere").choices(
      mergedTypes,
    ),
  )
  .action(async (run, flags) =>
    (await import("./commands/export.js")).exportCommand(run, flags, shared()),
  );

program
  .command("publish [run]")
  .description("the incumbent as a model of an Ollama server, called <name>:round-<n>")
  .requiredOption("--ollama <name>", "as the model will be called there, without a tag")
  .option("--url <url>", "where the server is (default: the run's, else this machine's)")
  .option("--adapter <sha256>", "another candidate than the incumbent")
  .option("--remove", "take away what was published of the run under that name")
  .action(async (run, flags) =>
    (await import("./commands/publish.js")).publishCommand(run, flags, shared()),
  );

program
  .command("init [path]")
  .description("write a recipe with every key, its default and what it means")
  .option("--force", "overwrite the file")
  .action(async (path, flags) =>
    (await import("./commands/init.js")).initCommand(path, flags, shared()),
  );

program
  .command("service <recipe>")
  .description("write a file by which systemd or launchd works through a recipe")
  .option("--systemd", "a user unit (default on Linux)")
  .option("--launchd", "a user agent (default on macOS)")
  .option("--print", "print it instead")
  .action(async (recipe, flags) =>
    (await import("./commands/service.js")).serviceCommand(recipe, flags, {
      ...shared(),
      database: program.opts().database,
    }),
  );

const models = program.command("models").description("weights that runs start from");
models
  .command("pull [name]")
  .description("fetch the default weights, or with --ollama a model of Ollama's registry")
  .option("--ollama", "have an Ollama server fetch it")
  .option("--url <url>", "where that is", ollamaUrl)
  .action(async (name, flags) =>
    (await import("./commands/models.js")).modelsPullCommand(name, flags, shared()),
  );
models
  .command("list")
  .description("weights in the cache")
  .action(async () => (await import("./commands/models.js")).modelsListCommand(shared()));

addPromptCommands(program, shared, working);
addMemoryCommands(program, shared);

program
  .command("notify")
  .description("messages to a phone or a program, as a recipe's notify has them")
  .command("test <recipe>")
  .description("send a test message to each channel and say what came of it")
  .action(async (recipe) =>
    (await import("./commands/notify.js")).notifyTestCommand(recipe, shared()),
  );

program
  .command("backup [folder]")
  .description("copy database, adapters and reports while runs go on (default: backups/<time>)")
  .action(async (folder) => (await import("./commands/backup.js")).backupCommand(folder, shared()));

program
  .command("restore <folder>")
  .description("bring a backup back, after every file of it was checked")
  .option("--force", "keep what is here in former-<time> and put the backup in its place")
  .action(async (folder, flags) =>
    (await import("./commands/restore.js")).restoreCommand(folder, flags, shared()),
  );

program
  .command("verify [run]")
  .description("is everything whole, and does it follow from what it names? (default: all runs)")
  .action(async (run) => (await import("./commands/verify.js")).verifyCommand(run, shared()));

program
  .command("gc")
  .description("say what nothing needs any more; --yes takes it away")
  .option("--yes", "take it away")
  .option(
    "--rejected <days>",
    "also rejected candidates of finished runs, older than this; their rows stay",
    numberBetween(0, 100_000),
  )
  .action(async (flags) => (await import("./commands/gc.js")).gcCommand(flags, shared()));

program
  .command("doctor [recipe]")
  .description("check what a run needs, also of a recipe's models, and say how to get the rest")
  .action(async (recipe) => (await import("./commands/doctor.js")).doctorCommand(recipe, shared()));

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (abort.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write("\nStopping; what is finished is kept. Again to stop at once.\n");
    abort.abort();
  });
}

outliveReaders(() => abort.abort());

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong, and gives the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (abort.signal.aborted && !(error instanceof RedistillError)) {
    process.stderr.write("Stopped.\n");
    return exitCodes.interrupted;
  }
  if (error instanceof RedistillError) {
    process.stderr.write(
      `redistill: ${presentable(spelled(`${error.message}\n  ${error.hint}`))}\n`,
    );
    return error.exitCode;
  }
  const trace = error instanceof Error ? error.stack : messageOf(error);
  process.stderr.write(
    `redistill: unexpected error; please report it.\n${presentable(trace ?? "")}\n`,
  );
  return exitCodes.internal;
}

// An operation as a process of its own, to be killed or to stand beside another one:
// `operations-child.ts <what> <workspace> [argument]`.
import { join } from "node:path";
import { workspaceAt } from "../../src/cli/paths.js";
import { backup } from "../../src/operations/backup.js";
import { collectGarbage } from "../../src/operations/gc.js";
import { restore } from "../../src/operations/restore.js";
import { Store } from "../../src/store/store.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { fileTrain } from "./train.js";

const [what, folder, argument = ""] = process.argv.slice(2) as [string, string, string?];
const paths = workspaceAt(folder);
const options = {
  migrations: "memory/migrations",
  signal: new AbortController().signal,
  onProgress: () => {},
  now: new Date("2026-03-01T12:00:00Z"),
};

const commands: Record<string, () => Promise<unknown>> = {
  /** Works on a run from wherever it was left; the argument is where its task file lies. */
  run: async () => {
    const train = fileTrain(folder);
    const run = await scriptedRun(folder, sumsRecipe(argument), { script: learner, train });
    await run.work();
    run.store.close();
  },
  backup: () => backup(paths, argument, options),
  restore: () => restore(paths, argument, { ...options, force: true }),
  gc: () =>
    collectGarbage(paths, {
      ...options,
      yes: true,
      rejectedDays: 0,
      cache: join(folder, "cache"),
      trainer: join(folder, "no-trainer"),
      now: new Date("2036-01-01T00:00:00Z"),
    }),
  /** Has the database open, idle, until its standard input ends. */
  hold: async () => {
    const store = Store.open(paths.database, options.migrations);
    process.stdout.write("open\n");
    for await (const _ of process.stdin);
    store.close();
  },
  /** Commits one event, as a controller would. */
  write: async () => {
    const store = Store.open(paths.database, options.migrations);
    store.transaction(() => store.events.append("sums-1", null, "note", { text: argument }));
    store.close();
  },
};

await commands[what]!();

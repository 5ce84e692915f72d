// A whole run with notifications as a process of its own, in which everything that could quote a
// secret does so: `notifying-child.ts <workspace> <recipe> <python> <file with a secret>`.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportCommand } from "../../src/cli/commands/export.js";
import { openChannels, withNotifications } from "../../src/cli/notifying.js";
import { createOutput } from "../../src/cli/output.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { presentable } from "../../src/cli/printable.js";
import { openRunLog } from "../../src/cli/run-log.js";
import { writeReport } from "../../src/cli/write-report.js";
import { systemClock } from "../../src/core/clock.js";
import { messageOf, RedistillError } from "../../src/core/errors.js";
import { sha256 } from "../../src/core/hash.js";
import type { Train } from "../../src/core/ports.js";
import { loadRecipe } from "../../src/recipes/load.js";
import { createTrainerWorker } from "../../src/training/worker.js";
import { scriptedRun } from "./scripted-run.js";

const [folder, recipePath, python, secretFile] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
];
const secrets = `${readFileSync(secretFile, "utf8").trim()} and ${process.env.CANARY_WEBHOOK}`;
const workspace = workspaceAt(folder);
const output = createOutput(true);
const recipe = loadRecipe(recipePath);
openChannels(recipe.notify, (text) => output.note(text));

const worker = createTrainerWorker({
  python,
  trainerDirectory: folder,
  logFile: join(workspace.logs, "trainer.log"),
});
const hash = (text: string) => createHash("sha256").update(text).digest("hex");
let failedOnce = false;
const train: Train = async (job) => {
  // The stand-in for the trainer prints what it knows and answers with an error that quotes it.
  const said = await worker.request("hello", { secrets }).catch((error) => messageOf(error));
  output.note(`trainer: ${said}`);
  if (!failedOnce) {
    failedOnce = true;
    throw new RedistillError("training", `refused with ${secrets}`, "Try again.");
  }
  const home = join(workspace.adapters, sha256(job).slice(0, 16));
  const [ggufPath, peftPath] = [join(home, "adapter.gguf"), join(home, "peft")];
  mkdirSync(peftPath, { recursive: true });
  writeFileSync(ggufPath, sha256(job));
  writeFileSync(join(peftPath, "adapter_config.json"), "{}");
  return { sha256: hash(sha256(job)), ggufPath, peftPath, finalLoss: 0.5, tokens: 1, seconds: 1 };
};

const run = await scriptedRun(folder, recipe, { train });
const row = run.store.runs.find("sums-1")!;
const note = (text: string) => output.progress({ kind: "note", text });
const work = () => withNotifications(run.store, row, note, () => run.work());
// As the command line ends with it.
await work().catch((error) => process.stderr.write(`${presentable(messageOf(error))}\n`));
output.note(`state after the failure: ${run.store.runs.find("sums-1")!.failure}`);
// What the database is like now is looked at later: a run that goes on forgets why it failed.
cpSync(join(folder, "memory"), join(folder, "memory-after-failure"), { recursive: true });
await work();
output.progress({ kind: "note", text: secrets });
createOutput(false).line(secrets);
createOutput(false).live(secrets);
const log = openRunLog(join(folder, "runs", "sums-1"), "sums-1", systemClock, (reason) => {
  throw new Error(reason);
});
log.observe({ kind: "note", text: secrets });
log.ended(new Error(secrets));
log.close();
for (const progress of run.seen) output.progress(progress);
await writeReport(run.store, "sums-1", workspace, output);
await writeReport(run.store, "sums-1", workspace, createOutput(false));
run.store.close();
await exportCommand("sums-1", {}, { workspace, output, signal: new AbortController().signal });
await worker.dispose();

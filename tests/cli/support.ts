import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Output } from "../../src/cli/output.js";
import { migrationsDirectory, type Workspace, workspaceAt } from "../../src/cli/paths.js";
import { sha256 } from "../../src/core/hash.js";
import type { Train } from "../../src/core/ports.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { Store } from "../../src/store/store.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "redistill-cli-"));
  folders.push(folder);
  return folder;
}

export interface Recorded extends Output {
  readonly lines: string[];
  readonly notes: string[];
  readonly results: unknown[];
}

export function recordingOutput(): Recorded {
  const [lines, notes, results]: [string[], string[], unknown[]] = [[], [], []];
  return {
    lines,
    notes,
    results,
    json: false,
    line: (text) => lines.push(text),
    note: (text) => notes.push(text),
    live: () => {},
    progress: () => {},
    result: (value) => results.push(value),
    close: () => {},
  };
}

export const hashOf = (content: string | Uint8Array) =>
  createHash("sha256").update(content).digest("hex");

/** A trainer that writes the files that the real one writes, each job its own. */
function fileTrain(folder: string): Train {
  return async (job) => {
    const content = `adapter of ${sha256(job)}`;
    const home = join(folder, "memory", "adapters", sha256(job).slice(0, 16));
    const peftPath = join(home, "adapter", "peft");
    mkdirSync(peftPath, { recursive: true });
    const ggufPath = join(home, "adapter", "adapter.gguf");
    writeFileSync(ggufPath, content);
    writeFileSync(join(peftPath, "adapter_model.safetensors"), `peft ${content}`);
    writeFileSync(join(peftPath, "adapter_config.json"), "{}");
    writeFileSync(
      join(home, "adapter", "manifest.json"),
      JSON.stringify({ gguf_sha256: hashOf(content), peft_sha256: hashOf(`peft ${content}`) }),
    );
    return { sha256: hashOf(content), ggufPath, peftPath, finalLoss: 0.5, tokens: 100, seconds: 1 };
  };
}

export interface FinishedWorkspace {
  readonly folder: string;
  readonly incumbent: string | null;
  readonly model: ScriptedChatModel;
  readonly output: Recorded;
  readonly options: { workspace: Workspace; output: Recorded; signal: AbortSignal };
}

const finished = new Map<typeof learner, Promise<string>>();

/** A run is worked through once for each script; every test gets a copy of the folder. */
function finishedFolder(
  script: typeof learner,
  changes: Record<string, unknown> = {},
): Promise<string> {
  const known = finished.get(script);
  if (known) return known;
  const making = (async () => {
    const folder = temporaryFolder();
    const train = fileTrain(folder);
    const run = await scriptedRun(folder, sumsRecipe(folder, changes), { script, train });
    await run.work();
    run.store.close();
    return folder;
  })();
  finished.set(script, making);
  return making;
}

/** A script for runs that promote nothing: training changes nothing about the model. */
export const stubborn: typeof learner = (request) => learner(request, null);

/** A workspace with one finished run whose adapters are files. */
export async function finishedWorkspace(
  script = learner,
  changes: Record<string, unknown> = {},
): Promise<FinishedWorkspace> {
  const folder = temporaryFolder();
  cpSync(await finishedFolder(script, changes), folder, { recursive: true });
  const workspace = workspaceAt(folder);
  const store = Store.openReadOnly(workspace.database, migrationsDirectory);
  const { incumbent } = store.runs.find("sums-1")!;
  store.close();
  const output = recordingOutput();
  const model = new ScriptedChatModel("learner", script);
  const options = { workspace, output, signal: new AbortController().signal };
  return { folder, incumbent, model, output, options };
}

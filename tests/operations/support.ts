import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import type { Recipe } from "../../src/core/recipe.js";
import { type BackupResult, backup } from "../../src/operations/backup.js";
import type { Problem } from "../../src/operations/problem.js";
import { type RestoreResult, restore } from "../../src/operations/restore.js";
import { verify } from "../../src/operations/verify.js";
import type { OperationOptions } from "../../src/operations/workspace.js";
import { Store } from "../../src/store/store.js";
import { childScript } from "../support/child.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { fileTrain } from "./train.js";

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "redistill-operations-"));
  folders.push(folder);
  return folder;
}

export const migrations = "memory/migrations";
export const operating: OperationOptions & { readonly now: Date } = {
  migrations,
  signal: new AbortController().signal,
  onProgress: () => {},
  now: new Date("2026-03-01T12:00:00Z"),
};

const made = new Map<string, Promise<string>>();

/** A workspace with a finished run of two rounds, its adapters as files; every caller gets a copy. */
export async function finishedFolder(changes: Record<string, unknown> = {}): Promise<string> {
  const key = JSON.stringify(changes);
  const making = made.get(key) ?? madeFolder(changes);
  made.set(key, making);
  const folder = temporaryFolder();
  cpSync(await making, folder, { recursive: true });
  return folder;
}

async function madeFolder(changes: Record<string, unknown>): Promise<string> {
  const folder = temporaryFolder();
  const recipe = sumsRecipe(folder, changes) as Recipe;
  const run = await scriptedRun(folder, recipe, { script: learner, train: fileTrain(folder) });
  await run.work();
  run.store.close();
  mkdirSync(join(folder, "runs", "sums-1"), { recursive: true });
  writeFileSync(join(folder, "runs", "sums-1", "report.md"), "# A report\n");
  return folder;
}

export function backUp(folder: string, target: string): Promise<BackupResult> {
  return backup(workspaceAt(folder), target, operating);
}

export function bringBack(folder: string, source: string, force = false): Promise<RestoreResult> {
  return restore(workspaceAt(folder), source, { ...operating, force });
}

export async function problemsOf(folder: string): Promise<readonly Problem[]> {
  const paths = workspaceAt(folder);
  const store = Store.openReadOnly(paths.database, migrations);
  try {
    return (await verify(paths, store, store.runs.all(), operating)).problems;
  } finally {
    store.close();
  }
}

export const databaseOf = (folder: string) => join(folder, "memory", "redistill.db");

/** Names of all files below a folder, but the journal that a reader leaves beside a database. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Turns one bit of a file over. */
export function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

const childArguments = (parts: readonly string[]) => [childScript("operations-child"), ...parts];

/** Runs an operation in a process of its own, killed at a failpoint if one is named. */
export function inChild(
  parts: readonly string[],
  failpoint?: string,
): { signal: string | null; status: number | null; stderr: string } {
  const env = { ...process.env };
  if (failpoint) env.REDISTILL_FAILPOINT = failpoint;
  return spawnSync(process.execPath, childArguments(parts), { env, encoding: "utf8" });
}

/** Starts an operation beside this process. */
export function besideUs(parts: readonly string[]) {
  const child = spawn(process.execPath, childArguments(parts), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return {
    child,
    firstLine: new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data))),
    ),
    ended: new Promise<number | null>((resolve) => child.once("exit", resolve)),
  };
}

/** Does something again and again, a turn apart, while a process beside us runs; its exit code. */
export async function whileRunning(
  { ended }: { ended: Promise<number | null> },
  work: () => Promise<void>,
): Promise<number | null> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    await new Promise((turn) => setImmediate(turn));
    await work();
  }
  return ended;
}

/** Every failpoint of the operations, so that a new one cannot be forgotten. */
export function failpointsOf(operation: string): string[] {
  return readdirSync("src/operations").flatMap((file) => {
    const text = readFileSync(join("src/operations", file), "utf8");
    return [...text.matchAll(/failpoint\("([^"]+)"\)/g)]
      .map((match) => match[1] as string)
      .filter((name) => name.startsWith(`${operation}:`));
  });
}

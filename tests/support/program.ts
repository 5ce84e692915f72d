import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { sumsFile } from "./scripted-run.js";

/** The program as it was built, with a scripted model and trainer in place of the real ones; see tests/compile.ts. */
export const scriptedProgram = resolve("tests", "compiled", "scripted", "main.js");

/** The same with the recipe's models, whose servers are model-server.ts. */
const servedProgram = resolve("tests", "compiled", "served", "main.js");

/** A folder with a recipe of sums; `more` is added to the recipe. */
export function sumsFolder(more = ""): string {
  const folder = mkdtempSync(join(tmpdir(), "redistill-program-"));
  sumsFile(folder, 160);
  writeFileSync(join(folder, "recipe.yaml"), recipe + more);
  return folder;
}

const recipe = `name: sums
seed: 3
rounds: 2
tasks: {source: jsonl, path: sums.jsonl, verifier: {kind: numeric}, train: 40, gate: 60, sealed: 20}
elicit: {tasksPerRound: 20}
generate: {attempts: 4}
`;

interface Settings {
  /** Milliseconds that an answer takes. */
  readonly delay?: number;
  /** What the scripted model answers; `learner` where nothing is said. */
  readonly model?: "helps" | "helpless";
  /** Where the process ends itself by SIGKILL; see src/core/failpoint.ts. */
  readonly failpoint?: string;
  /** The model is one behind model-server.ts, as the recipe says. */
  readonly served?: boolean;
  readonly stdio?: ("pipe" | "ignore" | number)[];
}

export function environment({ delay = 0, model, failpoint }: Settings): NodeJS.ProcessEnv {
  const { npm_command: _clone, ...env } = process.env;
  return {
    ...env,
    SCRIPTED_DELAY: `${delay}`,
    ...(model ? { SCRIPTED_MODEL: model } : {}),
    ...(failpoint ? { REDISTILL_FAILPOINT: failpoint } : {}),
  };
}

/** Runs the program to its end. */
export function runProgram(folder: string, args: string[], settings: Settings = {}) {
  return spawnSync(process.execPath, [scriptedProgram, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: environment(settings),
    stdio: settings.stdio ?? ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
}

export interface StartedProgram {
  readonly child: ChildProcess;
  /** What it has said so far. */
  text(): string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

export function startProgram(
  folder: string,
  args: string[],
  settings: Settings = {},
): StartedProgram {
  const program = settings.served ? servedProgram : scriptedProgram;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: environment(settings),
    stdio: settings.stdio ?? ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data: Buffer) => {
      text += data.toString();
    });
  }
  const ended = new Promise<{ code: number | null; signal: string | null }>((settle) => {
    child.once("exit", (code, signal) => settle({ code, signal }));
  });
  return { child, text: () => text, ended };
}

export const databaseIn = (folder: string) => join(folder, "memory", "redistill.db");

/** One value of a run's database, or null while there is none. */
export function ask<T>(folder: string, sql: string): T | null {
  try {
    const db = new Database(databaseIn(folder), { readonly: true, fileMustExist: true });
    try {
      return (db.prepare(sql).pluck().get() as T | undefined) ?? null;
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}

/** The rows of several queries, each in its order. */
export function rowsIn(folder: string, queries: readonly string[]): unknown[][] {
  const db = new Database(databaseIn(folder), { readonly: true });
  try {
    return queries.map((sql) => db.prepare(sql).all());
  } finally {
    db.close();
  }
}

export const answersIn = (folder: string) => ask<number>(folder, "SELECT count(*) FROM calls") ?? 0;
export const stateIn = (folder: string) =>
  ask<string>(folder, "SELECT state FROM runs WHERE id = 'sums-1'");

/** Waits until something holds; tests wait for what happened, never for a time. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}

/** The records of a run's structured log. */
export function logOf(folder: string): Record<string, unknown>[] {
  const text = readFileSync(join(folder, "runs", "sums-1", "log.ndjson"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

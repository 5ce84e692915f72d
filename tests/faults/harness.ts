import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect } from "vitest";
import { randomFrom, shuffled } from "../../src/core/random.js";
import { childScript } from "../support/child.js";
import { digestOf } from "../support/digest.js";
import type { ChildOptions } from "../support/scripted-child.js";

/** `npm run test:faults` runs every case; otherwise a sample, another one with each seed. */
export const everything = process.env.REDISTILL_FAULTS === "all";
export const seed = Number(process.env.REDISTILL_FAULTS_SEED ?? Math.floor(Date.now() / 1000));
export const random = randomFrom(seed);
if (!everything) process.stdout.write(`faults are sampled: REDISTILL_FAULTS_SEED=${seed}\n`);

/** All of the cases, or so many of them in their order. */
export function sampled<T>(cases: readonly T[], count: number): T[] {
  if (everything) return [...cases];
  const chosen = new Set(shuffled(cases, seed).slice(0, count));
  return cases.filter((each) => chosen.has(each));
}

export const folder = () => mkdtempSync(join(tmpdir(), "redistill-fault-"));
export const databaseOf = (where: string) => join(where, "memory", "redistill.db");

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  /** Requests that this process was answered, if it came to its end. */
  readonly paid: number;
  readonly stderr: string;
}

const argumentsOf = (where: string, tasks: string, options: ChildOptions) => [
  childScript("scripted-child"),
  ...[where, tasks, JSON.stringify(options)],
];

const environment = (failpoint?: string) =>
  failpoint ? { ...process.env, REDISTILL_FAILPOINT: failpoint } : process.env;

/** Works on the scripted run as a process of its own, to its end or to its death at the failpoint. */
export function work(
  where: string,
  tasks: string,
  { failpoint, ...options }: ChildOptions & { failpoint?: string | undefined } = {},
): Ended {
  const child = spawnSync(process.execPath, argumentsOf(where, tasks, options), {
    env: environment(failpoint),
    encoding: "utf8",
    timeout: 120_000,
  });
  const { status, signal, stderr } = child;
  return { status, signal, stderr, paid: Number(child.stdout) };
}

/** The same, while this process goes on. */
export function begin(
  where: string,
  tasks: string,
  { failpoint, ...options }: ChildOptions & { failpoint?: string } = {},
) {
  const child = spawn(process.execPath, argumentsOf(where, tasks, options), {
    env: environment(failpoint),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise<{ status: number | null; stderr: string }>((resolve) => {
    child.once("close", (status) => resolve({ status, stderr }));
  });
  return { child, ended };
}

/** Waits until something is so; there is no event for it. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** One value out of the database, without writing to it. */
export function ask(where: string, sql: string): unknown {
  const db = new Database(databaseOf(where), { readonly: true });
  try {
    return db.prepare(sql).pluck().get();
  } finally {
    db.close();
  }
}

/** Requests that all processes together sent, those in flight at their death included. */
export function requestsSent(where: string): number {
  const path = join(where, "requests.txt");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
}

/** Writes down that a fault really happened, for the summary of `npm run test:faults`. */
export function fired(fault: string, { times = 1, lost = 0 } = {}): void {
  const path = process.env.REDISTILL_FAULTS_LOG;
  if (path) appendFileSync(path, `${JSON.stringify({ fault, times, lost })}\n`);
}

/** The oracle of every row: the same rows in the tables of `expected`, and a sound file. */
export function expectSame(
  fault: string,
  where: string,
  expected: Record<string, string>,
  times = 1,
): void {
  const digest = digestOf(databaseOf(where));
  const found = Object.fromEntries(Object.keys(expected).map((table) => [table, digest[table]]));
  const lost = Object.keys(expected).filter((table) => found[table] !== expected[table]);
  fired(fault, { times, lost: lost.length });
  expect(found).toEqual(expected);
  expect(ask(where, "PRAGMA integrity_check")).toBe("ok");
  expect(ask(where, "SELECT count(*) - count(DISTINCT key) FROM calls")).toBe(0);
}

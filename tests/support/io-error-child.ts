// A small scripted run again and again, each time with another input or output of the database
// failing: `io-error-child.ts <control> <tasks> <first> <step> <errno>`, with
// tests/faults/io/faulty.c preloaded. Prints what came of it as JSON.
import { mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { thisMachine } from "../../src/cli/processes.js";
import { messageOf, RedistillError } from "../../src/core/errors.js";
import { digestOf } from "./digest.js";
import { scriptedRun, sumsRecipe } from "./scripted-run.js";

const [control, tasks, first, step, errno] = process.argv.slice(2) as string[];
const page = openSync(control as string, "r+");

/** Lets the n-th operation from now on fail; 0 lets none. */
function failAt(n: number): void {
  const numbers = new BigInt64Array([BigInt(n), 0n, BigInt(errno as string), 0n]);
  writeSync(page, new Uint8Array(numbers.buffer), 0, 32, 0);
}

function counted(): { operations: number; failed: number } {
  const numbers = new BigInt64Array(4);
  readSync(page, new Uint8Array(numbers.buffer), 0, 32, 0);
  return { operations: Number(numbers[1]), failed: Number(numbers[3]) };
}

const recipe = sumsRecipe(tasks as string, {
  rounds: 1,
  elicit: { tasksPerRound: 2 },
  generate: { attempts: 2 },
  curate: { minimum: 1 },
  critique: null,
  refine: null,
});
recipe.tasks = { ...recipe.tasks, train: 4, gate: 6, sealed: 2 };

/** The whole run in a folder; what it throws is the run's own error. */
async function work(where: string): Promise<void> {
  // A process of its own would find that its predecessor is gone.
  const lease = { processes: { ...thisMachine(), isGone: () => true } };
  const run = await scriptedRun(where, recipe, { lease });
  try {
    await run.work();
  } finally {
    run.store.close();
  }
}

function newFolder(): string {
  const where = mkdtempSync(join(tmpdir(), "redistill-io-"));
  mkdirSync(join(where, "memory"));
  return where;
}

const whole = newFolder();
failAt(0);
await work(whole);
const { operations } = counted();
const expected = JSON.stringify(digestOf(join(whole, "memory", "redistill.db")));

const unclear: string[] = [];
let [fired, failures, losses] = [0, 0, 0];
for (let n = Number(first); n <= operations; n += Number(step)) {
  const where = newFolder();
  failAt(n);
  try {
    await work(where);
  } catch (error) {
    failures++;
    if (!(error instanceof RedistillError)) unclear.push(`${n}: ${messageOf(error)}`);
  }
  fired += counted().failed;
  failAt(0);
  await work(where);
  if (JSON.stringify(digestOf(join(where, "memory", "redistill.db"))) !== expected) losses++;
  rmSync(where, { recursive: true });
}
rmSync(whole, { recursive: true });
process.stdout.write(JSON.stringify({ operations, fired, failures, losses, unclear }));

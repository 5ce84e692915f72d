import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { compileChildren } from "./compile.js";

/** Builds the program that child processes run, and gets weights and trainer ready. */
export default async function prepare(): Promise<() => void> {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
  await compileChildren();
  // Only there once the build has run.
  const machine = "./machine.mjs";
  const { prepareMachine } = await import(machine);
  const { weights, python } = await prepareMachine();
  process.env.REDISTILL_TEST_MODEL = weights;
  process.env.REDISTILL_TEST_PYTHON = python;
  // What tests and their children write goes with one folder.
  const scratch = mkdtempSync(join(tmpdir(), "redistill-tests-"));
  for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = scratch;
  const memory = roomInMemory() && mkdtempSync("/dev/shm/redistill-tests-");
  if (memory) process.env.REDISTILL_TEST_IN_MEMORY = memory;
  return () => {
    for (const folder of memory ? [scratch, memory] : [scratch]) {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** Whether files may be kept in memory here: Linux's own folder for that, and more room than they need. */
function roomInMemory(): boolean {
  const needed = 2 * 2 ** 30;
  try {
    accessSync("/dev/shm", constants.W_OK);
    const { bavail, bsize } = statfsSync("/dev/shm");
    return bavail * bsize >= needed && freemem() >= 2 * needed;
  } catch {
    return false;
  }
}

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
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
  return () => rmSync(scratch, { recursive: true, force: true });
}

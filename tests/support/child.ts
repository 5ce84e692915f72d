import { mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";

/** The compiled form of a file of the tests that is a process of its own; tests/compile.ts makes it before they start. */
export const childScript = (name: string): string => resolve("tests", "compiled", `${name}.js`);

/** A folder for programs that a test writes: from one in memory nothing can be started everywhere. */
export const programFolder = (): string =>
  mkdtempSync(join(resolve("tests", "compiled"), "program-"));

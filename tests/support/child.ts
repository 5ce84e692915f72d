import { resolve } from "node:path";

/** The compiled form of a file of the tests that is a process of its own; tests/compile.ts makes it before they start. */
export const childScript = (name: string): string => resolve("tests", "compiled", `${name}.js`);

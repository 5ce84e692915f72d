import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { RedistillError } from "../../src/core/errors.js";

export const temporary = () => mkdtempSync(join(tmpdir(), "redistill-prompts-"));

/** Writes `<root>/<path>` and gives its path. */
export function write(root: string, path: string, content: string | Uint8Array): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

export const file = (front: string, user = "{{task}}") => `---\n${front}\n---\n${user}\n`;

/** The usage error that something throws. */
export function usageError(work: () => unknown): RedistillError {
  try {
    work();
  } catch (error) {
    if (error instanceof RedistillError && error.kind === "usage") return error;
    throw error;
  }
  throw new Error("no error");
}

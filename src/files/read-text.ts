import { closeSync, openSync, readSync, statSync } from "node:fs";
import { messageOf, RedistillError } from "../core/errors.js";

/**
 * The text of a file that a user named.
 *
 * @param what How to call it in errors, for example "recipe".
 * @throws RedistillError `usage` when it is absent, no file, unreadable, larger than `largest` bytes,
 * or not UTF-8 (with the line).
 */
export function readTextFile(path: string, what: string, largest = 2 ** 20): string {
  const bytes = readBytes(path, what, largest);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RedistillError(
      "usage",
      `${path}, line ${firstBadLine(bytes)}: not UTF-8`,
      "Convert the file, for example with `iconv -f latin1 -t utf-8`.",
    );
  }
}

function readBytes(path: string, what: string, largest: number): Buffer {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw unusable(`${path} is not a file`, what);
    if (stats.size > largest) {
      const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
      throw unusable(
        `${path} has ${mebibytes(stats.size)} MiB; the most for a ${what} is ${mebibytes(largest)}`,
        what,
      );
    }
    return readWhole(path, stats.size);
  } catch (cause) {
    if (cause instanceof RedistillError) throw cause;
    const absent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw absent
      ? unusable(`no ${what} at ${path}`, what)
      : unusable(`cannot read the ${what} ${path}: ${messageOf(cause)}`, what);
  }
}

function readWhole(path: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const file = openSync(path, "r");
  try {
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(file, bytes, done, bytes.length - done, done);
      if (count === 0) break;
      done += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

const hints: Record<string, string> = {
  recipe: "Recipes are in runs/recipes; `redistill init` writes a commented one.",
  "task file": "Give a JSONL file; a path in a recipe is relative to the recipe's own folder.",
};

function unusable(message: string, what: string): RedistillError {
  return new RedistillError("usage", message, hints[what] ?? "Check the path and its permissions.");
}

function firstBadLine(bytes: Buffer): number {
  const strict = new TextDecoder("utf-8", { fatal: true });
  let number = 1;
  for (let start = 0; start < bytes.length; number++) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end === -1 ? bytes.length : end;
    try {
      strict.decode(bytes.subarray(start, stop));
    } catch {
      return number;
    }
    start = stop + 1;
  }
  return number;
}

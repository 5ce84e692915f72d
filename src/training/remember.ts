import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { sha256 } from "../core/hash.js";
import type { Remember } from "../core/ports.js";
import { writeDurably } from "./files.js";

/**
 * Writes memories to a folder of their own each, named by their content: written again after a kill,
 * one is the same file.
 *
 * @throws RedistillError `storage` when there is no room or no permission.
 */
export function createRemember(directory: string): Remember {
  return async (content) => {
    const path = join(resolve(directory), sha256(content).slice(0, 16), "memory.json");
    const there = await readFile(path, "utf8").catch(() => null);
    if (there !== content) await writeDurably(path, content);
    return path;
  };
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";

/**
 * What makes folders that are taken away again.
 *
 * @param when After each test, or where tests share them after all of the file.
 */
export function foldersFor(name: string, when: "each" | "all"): () => string {
  const folders: string[] = [];
  (when === "each" ? afterEach : afterAll)(() => {
    for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
  });
  return () => {
    const made = mkdtempSync(join(tmpdir(), `redistill-${name}-`));
    folders.push(made);
    return made;
  };
}

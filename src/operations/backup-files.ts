import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import type { References } from "../store/snapshot.js";
import { adapterFiles, isAbsent, partsOf } from "./adapter-files.js";
import { filesBelow, isWithin } from "./files.js";
import type { WorkspacePaths } from "./workspace.js";

/** What to copy beside the database, relative to the workspace; with the hash that it must have. */
export async function filesToCopy(
  paths: WorkspacePaths,
  references: References,
): Promise<Map<string, string | null>> {
  const wanted = new Map<string, string | null>();
  for (const adapter of references.adapters) {
    const inside = partsOf(adapter).every((path) => isWithin(paths.root, join(paths.root, path)));
    if (!inside) {
      throw new RedistillError(
        "storage",
        `adapter ${adapter.sha256.slice(0, 12)} lies outside the workspace, at ${partsOf(adapter)[0]}`,
        "Its row was changed by hand. Copy what you need yourself.",
      );
    }
    if (adapter.collected && isAbsent(paths, adapter)) continue;
    for (const [path, sha256] of await adapterFiles(paths, adapter)) wanted.set(path, sha256);
  }
  for (const { folder } of references.runs) {
    const root = join(paths.root, folder);
    if (!isWithin(paths.root, root)) continue;
    for (const path of await filesBelow(root)) wanted.set(join(folder, path), null);
  }
  return wanted;
}

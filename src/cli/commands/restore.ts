import { relative } from "node:path";
import { restore } from "../../operations/restore.js";
import { formatBytes } from "../../setup/files.js";
import type { Output } from "../output.js";
import { migrationsDirectory, type Workspace } from "../paths.js";

/** `redistill restore <folder>`: a backup becomes this workspace. */
export async function restoreCommand(
  folder: string,
  flags: { force?: boolean },
  { workspace, output, signal }: { workspace: Workspace; output: Output; signal: AbortSignal },
): Promise<void> {
  try {
    const result = await restore(workspace, folder, {
      migrations: migrationsDirectory,
      signal,
      onProgress: output.live,
      force: flags.force ?? false,
      now: new Date(),
    });
    output.close();
    output.result({ kind: "restore", ...result });
    const { runs, files, bytes, seconds, former, finishedEarlier } = result;
    if (finishedEarlier) output.line("An earlier restore of this backup was finished.");
    output.line(
      `Restored ${files} file${files === 1 ? "" : "s"} (${formatBytes(bytes)}) in ${seconds.toFixed(1)} s, each checked: ${runs.join(", ") || "no run"}.`,
    );
    if (former !== null) {
      output.line(
        `What was here is in ${relative(workspace.root, former)}, a workspace of its own; delete it when you need it no more.`,
      );
    }
    output.line("Runs that were unfinished go on with: redistill resume <run>");
  } finally {
    output.close();
  }
}

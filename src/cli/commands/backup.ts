import { backup, describeBackup } from "../../operations/backup.js";
import { timeName } from "../../operations/files.js";
import type { Output } from "../output.js";
import { migrationsDirectory, type Workspace } from "../paths.js";

/** `redistill backup [folder]`: a checked copy, made while runs go on. */
export async function backupCommand(
  folder: string | undefined,
  { workspace, output, signal }: { workspace: Workspace; output: Output; signal: AbortSignal },
): Promise<void> {
  const now = new Date();
  try {
    const result = await backup(workspace, folder ?? `backups/${timeName(now)}`, {
      migrations: migrationsDirectory,
      signal,
      onProgress: output.live,
      now,
    });
    output.close();
    output.result({ kind: "backup", ...result });
    for (const text of describeBackup(result, workspace.root)) output.line(text);
  } finally {
    output.close();
  }
}

import { existsSync } from "node:fs";
import { collectGarbage, type GcItem } from "../../operations/gc.js";
import { cacheDirectory } from "../../setup/cache-directory.js";
import { formatBytes } from "../../setup/files.js";
import type { Output } from "../output.js";
import { migrationsDirectory, trainerDirectory, type Workspace } from "../paths.js";

/** `redistill gc`: what nothing needs any more; takes it away with --yes. */
export async function gcCommand(
  flags: { yes?: boolean; rejected?: number },
  { workspace, output, signal }: { workspace: Workspace; output: Output; signal: AbortSignal },
): Promise<void> {
  const yes = flags.yes ?? false;
  if (!existsSync(workspace.database)) {
    output.result({ kind: "gc", taken: yes, items: [], bytes: 0, databaseBytes: 0 });
    output.line(`No database at ${workspace.database}: nothing to clear up.`);
    return;
  }
  try {
    const result = await collectGarbage(workspace, {
      migrations: migrationsDirectory,
      signal,
      onProgress: output.live,
      yes,
      rejectedDays: flags.rejected ?? null,
      cache: cacheDirectory(),
      trainer: trainerDirectory,
      now: new Date(),
    });
    output.close();
    output.result({ kind: "gc", taken: yes, ...result });
    for (const item of result.items) output.line(describe(item));
    for (const text of summary(result, yes)) output.line(text);
  } finally {
    output.close();
  }
}

function describe({ what, why, bytes, fate }: GcItem): string {
  const held = fate === "held" ? " (left: it is needed or in use now)" : "";
  return `${formatBytes(bytes).padStart(9)}  ${what}: ${why}${held}`;
}

function summary(
  { items, bytes, databaseBytes }: Awaited<ReturnType<typeof collectGarbage>>,
  yes: boolean,
): string[] {
  if (items.length === 0) return ["Nothing to clear up: everything here is needed."];
  const disk = yes ? `Freed ${formatBytes(bytes)}.` : `${formatBytes(bytes)} would be freed.`;
  const inside = `${formatBytes(databaseBytes)} inside the database ${yes ? "are" : "would be"} free for new rows; the file keeps its size.`;
  return [
    databaseBytes > 0 ? `${disk} ${inside}` : disk,
    ...(yes ? [] : ["Nothing was touched. Take it away with: redistill gc --yes"]),
  ];
}

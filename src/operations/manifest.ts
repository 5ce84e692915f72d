import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { redact } from "../core/secrets.js";
import { writeFileAtomic } from "../setup/files.js";

/** The name by which a whole backup is known; written last. */
export const manifestName = "redistill-backup.json";
/** Where a backup has the database, whatever it was called in the workspace. */
export const databaseInBackup = "memory/redistill.db";

/** Forward slashes, no `..`, no empty part, nothing but what a backup holds. */
const place = /^(memory\/(redistill\.db|adapters\/.+)|runs\/.+)$/;
const isSafe = (path: string) =>
  place.test(path) &&
  !/[\0\\]/.test(path) &&
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

const shape = z.strictObject({
  kind: z.literal("redistill-backup"),
  version: z.literal(1),
  createdAt: z.string(),
  /** The folder that was copied. */
  workspace: z.string(),
  /** Schema version of the database. */
  schema: z.number().int(),
  runs: z.array(z.string()),
  files: z.array(
    z.strictObject({
      path: z.string().refine(isSafe, "leads out of a workspace"),
      bytes: z.number().int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  /** Of all the rest. */
  checksum: z.string(),
});

export type Manifest = z.infer<typeof shape>;

/** Writes the manifest of a backup, whole or not at all. */
export async function writeManifest(
  folder: string,
  body: Omit<Manifest, "kind" | "version" | "checksum">,
): Promise<void> {
  const workspace = redact(body.workspace);
  const rest = { kind: "redistill-backup", version: 1, ...body, workspace };
  const text = `${JSON.stringify({ ...rest, checksum: sha256(rest) }, null, 1)}\n`;
  await writeFileAtomic(join(folder, manifestName), text);
}

/**
 * The manifest of a backup, after its own checksum was found right.
 *
 * @throws RedistillError `usage` for a folder that is no backup, `storage` for a damaged manifest.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestName);
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new RedistillError(
      "usage",
      `${folder} holds no whole backup: ${messageOf(cause)}`,
      "Name a folder that `redistill backup` has finished.",
      { cause },
    );
  });
  const damaged = (why: string) =>
    new RedistillError(
      "storage",
      `${path} is damaged: ${why}`,
      "Take another backup; nothing was changed.",
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(messageOf(error));
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { checksum, ...rest } = parsed.data;
  if (checksum !== sha256(rest)) throw damaged("it does not have the checksum that it names");
  return parsed.data;
}

import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { messageOf, RedistillError } from "../core/errors.js";
import { failpoint } from "../core/failpoint.js";
import { flushFolder } from "./files.js";
import { planOf } from "./workspace.js";

const moveShape = z.strictObject({
  /** `aside`: what was there before, kept; `in`: what was restored. */
  kind: z.enum(["aside", "in"]),
  from: z.string(),
  to: z.string(),
});
const planShape = z.strictObject({
  /** Of the backup's manifest. */
  checksum: z.string(),
  former: z.string().nullable(),
  moves: z.array(moveShape),
});

export type Move = z.infer<typeof moveShape>;

/** What a restore that was cut off had still to do; null where none was. */
export async function readPlan(root: string): Promise<z.infer<typeof planShape> | null> {
  const text = await readFile(planOf(root), "utf8").catch(() => null);
  return text === null ? null : planShape.parse(JSON.parse(text));
}

/**
 * Carries out all moves of a restore that were not made yet, in order, then drops the staging
 * folder. Once the last one, the database's, was made nothing is moved again.
 */
export async function carryOut(moves: readonly Move[], staging: string): Promise<void> {
  const last = moves.at(-1);
  const pending = last !== undefined && existsSync(last.from) ? moves : [];
  const former = pending.find(({ kind, from }) => kind === "aside" && from === last?.to);
  if (former && existsSync(former.from) && existsSync(former.to)) {
    throw new RedistillError(
      "state",
      `since the restore was interrupted, another ${former.from} was made`,
      "Move that file away if it may go, then run the same restore again.",
    );
  }
  for (const { kind, from, to } of pending) {
    const done = kind === "aside" ? existsSync(to) || !existsSync(from) : !existsSync(from);
    if (done) continue;
    try {
      await mkdir(dirname(to), { recursive: true });
      // Only an empty folder can be in the way here; anything else makes the rename fail.
      if (kind === "in") await rmdir(to).catch(() => {});
      if (kind === "in" && existsSync(to)) throw new Error("something is there already");
      await rename(from, to);
      await flushFolder(dirname(to));
      await flushFolder(dirname(from));
    } catch (cause) {
      throw new RedistillError(
        "storage",
        `cannot move ${from} to ${to}: ${messageOf(cause)}`,
        "Clear the way, then run the same restore again: it goes on from here.",
        { cause },
      );
    }
    failpoint("restore:move");
  }
  await rm(staging, { recursive: true, force: true });
}

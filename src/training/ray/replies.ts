import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { WorkerEvent } from "../event.js";
import { writeDurably } from "../files.js";

/** As `trainer/redistill_trainer/once.py` numbers its questions; it names a file. */
const askShape = z.string().regex(/^[0-9a-f]{16}-\d{1,9}$/);

/**
 * Answers a job's questions by files beside it, since nobody can write to a cluster's job. A question
 * is met again whenever the log is read anew; one that has its reply is left alone.
 */
export async function replyByFile(
  event: WorkerEvent,
  folder: string,
  onAsk: (event: WorkerEvent) => Promise<object>,
): Promise<void> {
  const path = join(folder, "replies", `${askShape.parse(event.ask)}.json`);
  if (existsSync(path)) return;
  await writeDurably(path, JSON.stringify(await onAsk(event)));
}

import { PausedError, RedistillError } from "../core/errors.js";

/** Codes of SQLite and of the system that say: there is no room. */
const noRoom: Readonly<Record<string, string>> = {
  SQLITE_FULL: "database",
  ENOSPC: "disk",
  EDQUOT: "disk",
  disk_full: "disk",
};

/** Turns what a run can wait out, a full database or disk, into a pause; all else stays as it is. */
export function asPause(error: unknown): unknown {
  if (error instanceof PausedError) return error;
  const reason = reasonOf(error);
  if (reason === undefined || !(error instanceof Error)) return error;
  const hint = "Make room, then go on with `redistill resume`; nothing is lost.";
  return new PausedError(
    reason,
    error.message,
    error instanceof RedistillError ? error.hint : hint,
    {
      cause: error,
    },
  );
}

function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, fault } = error as { code?: string; fault?: string };
  return noRoom[code ?? ""] ?? noRoom[fault ?? ""] ?? reasonOf(error.cause);
}

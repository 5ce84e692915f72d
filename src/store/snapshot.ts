import { closeSync, openSync, readSync } from "node:fs";
import Database from "better-sqlite3";
import { RedistillError } from "../core/errors.js";
import { type Connection, guarded, newestSchema, ours, refuseForeign } from "./database.js";
import type { AdapterPaths } from "./housekeeping.js";

/** What of the workspace a database speaks of. */
export interface References {
  readonly schema: number;
  readonly runs: readonly {
    readonly id: string;
    readonly folder: string;
    readonly state: string;
    readonly modelSha256: string;
  }[];
  readonly adapters: readonly AdapterReference[];
}

export interface AdapterReference extends AdapterPaths {
  /** sha256 of its weights; null where it has none of its own. */
  readonly weights: string | null;
  /** `gc` took its files away; the row stays as history. */
  readonly collected: boolean;
}

/** Pages copied before others in this process have a turn: about 8 MB. */
const pagesAtOnce = 2_000;

/**
 * Copies a database while other processes write to it, as of one moment. The copy has no journal
 * beside it: it is one file.
 *
 * @throws RedistillError `storage` when it is none of ours or cannot be read.
 */
export async function copyDatabase(
  from: string,
  to: string,
  options: { signal: AbortSignal; onProgress(share: number): void },
): Promise<void> {
  const db = guarded(from, () => openToRead(from));
  try {
    // Holds the snapshot: without it a commit by another process makes the copy begin again.
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    await db.backup(to, {
      progress: ({ totalPages, remainingPages }) => {
        options.signal.throwIfAborted();
        options.onProgress(totalPages === 0 ? 0 : 1 - remainingPages / totalPages);
        return pagesAtOnce;
      },
    });
  } finally {
    db.close();
  }
  const copy = guarded(to, () => new Database(to));
  try {
    copy.pragma("journal_mode = DELETE");
  } finally {
    copy.close();
  }
}

/** The runs and adapters of a database of any schema up to ours; reads only. */
export function readReferences(path: string): References {
  return guarded(path, () => {
    const db = openToRead(path);
    try {
      const gone = hasTable(db, "collected_adapters")
        ? "sha256 IN (SELECT sha256 FROM collected_adapters)"
        : "0";
      // Before there were memories, an adapter was its weights.
      const parts = hasTable(db, "distilled")
        ? "weights, memory_path AS memoryPath"
        : "sha256 AS weights, NULL AS memoryPath";
      return {
        schema: db.pragma("user_version", { simple: true }) as number,
        runs: db
          .prepare<[], References["runs"][number]>(
            "SELECT id, folder, state, model_sha256 AS modelSha256 FROM runs ORDER BY rowid",
          )
          .all(),
        adapters: db
          .prepare<[], Omit<AdapterReference, "collected"> & { collected: 0 | 1 }>(
            `SELECT sha256, gguf_path AS ggufPath, peft_path AS peftPath, ${parts},
                    ${gone} AS collected
               FROM adapters ORDER BY sha256`,
          )
          .all()
          .map((row) => ({ ...row, collected: row.collected === 1 })),
      };
    } finally {
      db.close();
    }
  });
}

/** Whether a file is a database of this program; false for any other file. */
export function isOurs(path: string): boolean {
  const begins = Buffer.alloc(72);
  const file = openSync(path, "r");
  try {
    readSync(file, begins, 0, 72, 0);
  } finally {
    closeSync(file);
  }
  return begins.toString("latin1", 0, 15) === "SQLite format 3" && begins.readInt32BE(68) === ours;
}

/** What SQLite finds wrong in a database file, in sentences; empty when all is well. */
export function problemsIn(path: string, migrationsDirectory: string): string[] {
  return guarded(path, () => {
    const db = openToRead(path);
    try {
      const schema = db.pragma("user_version", { simple: true }) as number;
      const newest = newestSchema(migrationsDirectory);
      if (schema > newest)
        return [`it has schema version ${schema}, this redistill knows ${newest}`];
      return [...integrityProblems(db), ...foreignKeyProblems(db)];
    } finally {
      db.close();
    }
  });
}

/** SQLite's own check of pages, indexes and constraints. */
export function integrityProblems(db: Connection): string[] {
  const rows = db.pragma("integrity_check") as { integrity_check: string }[];
  return rows.map((row) => row.integrity_check).filter((text) => text !== "ok");
}

const mostForeignKeys = 20;

/** Rows that refer to rows which are not there. */
export function foreignKeyProblems(db: Connection): string[] {
  return db
    .prepare<[number], { table: string; rowid: number; parent: string }>(
      'SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT ?',
    )
    .all(mostForeignKeys)
    .map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to no row of ${parent}`);
}

/** Gives back runs that were being worked on when the database was copied: their process is not here. */
export function releaseRuns(path: string): void {
  guarded(path, () => {
    const db = new Database(path);
    try {
      db.exec(
        `UPDATE runs SET state = 'interrupted', owner_pid = NULL, progress = NULL
          WHERE state = 'running'`,
      );
      if (!hasTable(db, "leases")) return;
      db.exec(
        `UPDATE leases SET host = NULL, pid = NULL, started = NULL, worker_pid = NULL,
           worker_started = NULL`,
      );
    } finally {
      db.close();
    }
  });
}

/** Databases of older schemas lack the newer tables. */
function hasTable(db: Connection, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
}

/**
 * Holds a database so that nobody else has it open, until the returned function is called; its
 * journal is then folded in and the file stands alone.
 *
 * @returns null when another process has it open.
 * @throws RedistillError `storage` when it is damaged or none of ours.
 */
export function holdAlone(path: string): (() => void) | null {
  const db = guarded(path, () => new Database(path, { fileMustExist: true, timeout: 2_000 }));
  try {
    guarded(path, () => {
      refuseForeign(db, path);
      // Leaving WAL needs the file alone: every open connection, also an idle one, holds a share of it.
      db.pragma("journal_mode = DELETE");
      db.pragma("locking_mode = EXCLUSIVE");
      db.exec("BEGIN EXCLUSIVE");
    });
    return () => {
      db.close();
    };
  } catch (error) {
    db.close();
    const cause = error instanceof Error ? error.cause : error;
    if (cause instanceof Database.SqliteError && cause.code.startsWith("SQLITE_BUSY")) return null;
    throw error;
  }
}

function openToRead(path: string): Connection {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 10_000 });
  try {
    refuseForeign(db, path);
    const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() as number;
    if (tables > 0) return db;
    throw new RedistillError(
      "storage",
      `${path} has no redistill tables`,
      "Name another database with --database.",
    );
  } catch (error) {
    db.close();
    throw error;
  }
}

import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { messageOf, RedistillError } from "../core/errors.js";
import { failpoint } from "../core/failpoint.js";

export type Connection = Database.Database;

/** How long a write waits for another process's transaction to end, in milliseconds. */
const busyTimeout = 10_000;

/** Up to this size, in bytes, every page is looked at before work begins; it takes about a second. */
const wholeCheckLimit = 256_000_000;

/**
 * Opens the database file, creating it and bringing its schema up to date.
 * WAL with synchronous=FULL: a commit that returned survives a power cut.
 *
 * @throws RedistillError `storage` when the file is no database, damaged, newer than this program,
 * locked or on a full disk; the file is then left as it was.
 */
export function openDatabase(path: string, migrationsDirectory: string): Connection {
  makeFolder(dirname(path));
  return guarded(path, () => {
    refuseUnusable(path);
    const db = new Database(path, { timeout: busyTimeout });
    try {
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = FULL");
      db.pragma("foreign_keys = ON");
      migrate(db, path, migrationsDirectory);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Opens an existing database for reading only: `status` and `report` never write.
 *
 * @throws RedistillError `storage` when it is none of ours, or of another version's schema.
 */
export function openDatabaseReadOnly(path: string, migrationsDirectory: string): Connection {
  return guarded(path, () => {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: busyTimeout });
    try {
      refuseForeign(db, path);
      const version = db.pragma("user_version", { simple: true }) as number;
      const newest = newestSchema(migrationsDirectory);
      if (version > newest) throw newerSchema(path, version, newest);
      if (version < newest) {
        throw new RedistillError(
          "storage",
          `${path} has ${version === 0 ? "no redistill tables" : `schema version ${version}`}; this redistill reads ${newest}`,
          "`redistill resume` or `redistill run` brings the schema up to date; or name another database with --database.",
        );
      }
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new RedistillError(
      "storage",
      `cannot make the folder ${folder}: ${messageOf(cause)}`,
      "Check its permissions and the disk's room, or name another place with --database.",
      { cause },
    );
  }
}

/** The application_id that the first migration writes: "rdst". */
export const ours = 1_919_184_244;

/** Throws for the database of another program; one without tables may become ours. */
export function refuseForeign(db: Connection, path: string): void {
  // Both in one view: between two, another process may write the first tables.
  const isForeign = db.transaction(() => {
    const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() as number;
    return tables > 0 && db.pragma("application_id", { simple: true }) !== ours;
  });
  if (!isForeign()) return;
  throw new RedistillError(
    "storage",
    `${path} is the database of another program`,
    "Name another file with --database; this one was not touched.",
  );
}

/**
 * Refuses a file that is another program's or damaged. Only a read-only connection leaves such a
 * file and its log byte for byte as they are: a writing one would copy the log into the file.
 */
function refuseUnusable(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return;
  const db = new Database(path, { readonly: true, timeout: busyTimeout });
  try {
    refuseForeign(db, path);
    if (size > wholeCheckLimit) return;
    const problem = db.pragma("quick_check(1)", { simple: true });
    if (problem !== "ok") throw damaged(path, String(problem));
  } catch (error) {
    // The journal of a creation that was cut off: only a writing connection can undo it.
    if (!codeOf(error).startsWith("SQLITE_READONLY")) throw error;
  } finally {
    db.close();
  }
}

function damaged(path: string, problem: string): RedistillError {
  const [what, hint] = advice.SQLITE_CORRUPT as [string, string];
  return new RedistillError("storage", `${path}: ${what} (${problem})`, hint);
}

interface Migration {
  readonly version: number;
  readonly sql: string;
}

function readMigrations(directory: string): Migration[] {
  return readdirSync(directory)
    .filter((name) => /^\d{3}-.*\.sql$/.test(name))
    .sort()
    .map((name) => ({
      version: Number.parseInt(name, 10),
      sql: readFileSync(join(directory, name), "utf8"),
    }));
}

/** The schema version that this program knows. */
export function newestSchema(directory: string): number {
  return readMigrations(directory).at(-1)?.version ?? 0;
}

/** Applies what is missing, each migration in a transaction of its own with its version number. */
function migrate(db: Connection, path: string, directory: string): void {
  const migrations = readMigrations(directory);
  const newest = migrations.at(-1)?.version ?? 0;
  const version = () => db.pragma("user_version", { simple: true }) as number;
  if (version() > newest) {
    throw newerSchema(path, version(), newest);
  }
  for (const migration of migrations) {
    if (version() >= migration.version) continue;
    failpoint(`migration:${migration.version}:before`);
    db.transaction(() => {
      // Asked inside the transaction: another process may have migrated meanwhile.
      if (version() >= migration.version) return;
      db.exec(migration.sql);
      failpoint(`migration:${migration.version}:within`);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
    failpoint(`migration:${migration.version}:after`);
  }
}

function newerSchema(path: string, version: number, newest: number): RedistillError {
  return new RedistillError(
    "storage",
    `${path} has schema version ${version}; this redistill knows ${newest}`,
    "Upgrade redistill, or name another database with --database.",
  );
}

const advice: Record<string, [what: string, hint: string]> = {
  SQLITE_FULL: [
    "the disk is full",
    "Free some space, then run `redistill resume`; nothing is lost.",
  ],
  SQLITE_CORRUPT: [
    "the database is damaged",
    "Put a backup in its place, or save what can be read with `sqlite3 <file> .recover | sqlite3 <new file>`; the file was not touched.",
  ],
  SQLITE_NOTADB: [
    "the file is not a database",
    "Name another file with --database, or move this one away; it was not touched.",
  ],
  SQLITE_BUSY: [
    "another process holds the database",
    "Wait for it to end (`redistill status` shows who), then run `redistill resume`.",
  ],
  SQLITE_READONLY: ["the database may not be written", "Check the file's permissions."],
  SQLITE_CANTOPEN: [
    "the database cannot be opened",
    "Check that the folder exists and may be written, or name another file with --database.",
  ],
  SQLITE_IOERR: ["the disk reported an error", "Check the disk, then run `redistill resume`."],
};

function codeOf(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : "";
}

/** Runs a piece of work on the database; SQLite's error codes become sentences with a way out. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(path, error);
  }
}

/** An error of SQLite as a sentence with a way out; any other error as it is. */
export function explained(path: string, cause: unknown): unknown {
  const known = Object.keys(advice).find((name) => codeOf(cause).startsWith(name));
  if (known === undefined) return cause;
  const [what, hint] = advice[known] as [string, string];
  return new RedistillError("storage", `${path}: ${what} (${messageOf(cause)})`, hint, { cause });
}

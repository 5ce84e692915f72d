import { cpSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.js";
import { Store } from "../../src/store/store.js";

const migrations = "memory/migrations";
const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));

describe("the database", () => {
  it("is created with its newest schema, strict tables, WAL and full durability", () => {
    const db = openDatabase(join(folder(), "a", "b.db"), migrations);
    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(db.pragma("synchronous", { simple: true })).toBe(2);
    expect(db.pragma("foreign_keys", { simple: true })).toBe(1);
    expect(db.pragma("user_version", { simple: true })).toBeGreaterThan(0);
    const tables = db
      .prepare(
        "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
      )
      .all() as { name: string; strict: number }[];
    expect(tables.length).toBeGreaterThan(10);
    expect(tables.filter(({ strict }) => strict !== 1)).toEqual([]);
    db.close();
  });

  it("takes only the migrations that it lacks, each whole or not at all", () => {
    const where = folder();
    const steps = join(where, "migrations");
    cpSync(migrations, steps, { recursive: true });
    const path = join(where, "x.db");
    openDatabase(path, steps).close();
    writeFileSync(join(steps, "900-good.sql"), "CREATE TABLE extra (a INTEGER) STRICT;");
    writeFileSync(join(steps, "901-bad.sql"), "CREATE TABLE half (a INTEGER) STRICT; nonsense;");
    expect(() => openDatabase(path, steps)).toThrow("syntax error");
    const db = new Database(path);
    expect(db.pragma("user_version", { simple: true })).toBe(900);
    expect(
      db.prepare("SELECT name FROM sqlite_master WHERE name IN ('extra', 'half')").pluck().all(),
    ).toEqual(["extra"]);
    db.close();
    writeFileSync(join(steps, "901-bad.sql"), "CREATE TABLE half (a INTEGER) STRICT;");
    openDatabase(path, steps).close();
  });

  it("of a newer release is refused", () => {
    const path = join(folder(), "x.db");
    const db = openDatabase(path, migrations);
    db.pragma("user_version = 999");
    db.close();
    expect(() => openDatabase(path, migrations)).toThrow("schema version 999");
  });

  it.each([
    [
      "garbage",
      () =>
        Buffer.from("this is not a database, but it is long enough to be read as one".repeat(40)),
    ],
    [
      "a damaged one",
      () => {
        const path = join(folder(), "x.db");
        const db = openDatabase(path, migrations);
        db.pragma("journal_mode = DELETE");
        db.close();
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 100, 4096);
        return bytes;
      },
    ],
  ])("that is %s is refused and left alone", (_name, make) => {
    const path = join(folder(), "bad.db");
    const bytes = make();
    writeFileSync(path, bytes);
    expect(() => openDatabase(path, migrations)).toThrow(/damaged|not a database/);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("on a full disk says so and keeps what was committed", () => {
    const path = join(folder(), "x.db");
    const store = Store.open(path, migrations);
    const raw = (store as unknown as { db: Database.Database }).db;
    raw.pragma(`max_page_count = ${(raw.pragma("page_count", { simple: true }) as number) + 8}`);
    const request = {
      messages: [{ role: "user" as const, content: "x".repeat(3000) }],
      sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 1, seed: 1 },
    };
    const answer = {
      text: "y",
      stopReason: "end" as const,
      promptTokens: 1,
      evaluatedPromptTokens: 1,
      completionTokens: 1,
      durationMs: 1,
    };
    let written = 0;
    const fill = () => {
      for (; written < 100; written++) {
        store.transaction(() =>
          store.calls.record(`k${written}`, request, { digest: "m", adapter: null }, answer, {
            runId: "r",
            round: 1,
            stage: "s",
          }),
        );
      }
    };
    expect(fill).toThrow("the disk is full");
    expect(written).toBeGreaterThan(0);
    expect(store.integrityProblems()).toEqual([]);
    expect(store.calls.find(`k${written - 1}`)?.text).toBe("y");
    expect(store.calls.find(`k${written}`)).toBeNull();
    store.close();
  });

  it("that another process holds is waited for, then refused", () => {
    const path = join(folder(), "x.db");
    openDatabase(path, migrations).close();
    const holder = new Database(path);
    holder.exec("BEGIN IMMEDIATE");
    const db = new Database(path, { timeout: 200 });
    expect(() => db.transaction(() => db.exec("DELETE FROM events")).immediate()).toThrow("locked");
    holder.exec("ROLLBACK");
    holder.close();
    db.close();
  });

  it("in a folder that cannot be made is a storage error", () => {
    const file = join(folder(), "file");
    writeFileSync(file, "");
    expect(() => Store.open(join(file, "x.db"), migrations)).toThrow();
    expect(statSync(file).size).toBe(0);
    mkdirSync(join(file, "..", "dir"));
  });
});

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { unit } from "../../src/core/vectors.js";
import { Store } from "../../src/store/store.js";

const fresh = () => join(mkdtempSync(join(tmpdir(), "redistill-")), "x.db");

describe("the table of vectors", () => {
  it("keeps them by model and text, bit for bit, and never twice", () => {
    const path = fresh();
    const store = Store.open(path, "memory/migrations");
    const [a, b] = [unit([1, 2, 3]), unit([3, 2, 1])];
    store.transaction(() => store.vectors.insertAll("one", new Map([["text", a]])));
    store.transaction(() => store.vectors.insertAll("two", new Map([["text", b]])));
    store.transaction(() => store.vectors.insertAll("one", new Map([["text", b]])));
    expect(store.vectors.find("one", ["text", "other"])).toEqual(new Map([["text", a]]));
    expect(store.vectors.find("two", ["text"]).get("text")).toEqual(b);
    expect(store.vectors.find("three", ["text"]).size).toBe(0);
    expect(store.integrityProblems()).toEqual([]);
    store.close();
    const again = Store.openReadOnly(path, "memory/migrations");
    expect(again.vectors.find("one", ["text"]).get("text")).toEqual(a);
    again.close();
  });

  it("refuses what is no vector", () => {
    const path = fresh();
    Store.open(path, "memory/migrations").close();
    const db = new Database(path);
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(5)]) {
      const insert = db.prepare("INSERT INTO vectors VALUES ('m', 't', ?)");
      expect(() => insert.run(bytes)).toThrow(/CHECK/);
    }
    db.close();
  });
});

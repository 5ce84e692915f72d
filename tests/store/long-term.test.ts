import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NewLesson } from "../../src/store/long-term.js";
import { Store } from "../../src/store/store.js";

const open = () =>
  Store.open(join(mkdtempSync(join(tmpdir(), "redistill-")), "x.db"), "memory/migrations");

const lesson = (id: string, text: string, changes: Partial<NewLesson> = {}): NewLesson => ({
  ...{ id, family: "sums", cluster: null, text, source: "import" as const, elsewhere: [] },
  counts: { shownRight: 0, shownTasks: 0, withheldRight: 0, withheldTasks: 0, countedAt: 0 },
  ...changes,
});

describe("the tables of the long-term memory", () => {
  it("find lessons in use by words of theirs or of tasks elsewhere, in the form that they have", () => {
    const store = open();
    store.longTerm.insert(lesson("a", "Carry the tens into the next column."));
    store.longTerm.insert(lesson("b", "Read it twice.", { elsewhere: ["Add up three columns."] }));
    store.longTerm.insert(lesson("c", "Carry on.", { family: "orders" }));
    const found = (...words: string[]) =>
      [...store.longTerm.relevance("sums", words).keys()].sort();
    expect(found("column")).toEqual(["a", "b"]);
    expect(found("carrying")).toEqual(["a"]);
    expect(found("minus")).toEqual([]);
    expect(found()).toEqual([]);
    // Words are words, whatever the language of the index has for them.
    expect(found('"', "AND", "carry OR *", "NEAR(")).toEqual([]);
    store.longTerm.retire("a", "retired", "cap", "one too many");
    expect(found("column")).toEqual(["b"]);
    store.close();
  });

  it("keep every version of the words, and search the newest", () => {
    const store = open();
    store.longTerm.insert(lesson("a", "Carry the tens."));
    store.longTerm.edit("a", "Mind the units.");
    expect(store.longTerm.find("a")).toMatchObject({ version: 2, text: "Mind the units." });
    expect(store.longTerm.versions("a").map(({ text }) => text)).toEqual([
      ...["Carry the tens.", "Mind the units."],
    ]);
    expect(store.longTerm.relevance("sums", ["tens"]).size).toBe(0);
    expect(store.longTerm.relevance("sums", ["units"]).size).toBe(1);
    store.close();
  });

  it("count the rounds of each family by itself", () => {
    const store = open();
    expect(store.longTerm.clock("sums")).toBe(0);
    for (const family of ["sums", "sums", "orders"]) store.longTerm.tickClock(family);
    expect(["sums", "orders"].map((family) => store.longTerm.clock(family))).toEqual([2, 1]);
    expect(store.longTerm.families()).toEqual(["orders", "sums"]);
    store.close();
  });

  it("are whole after all of that", () => {
    const store = open();
    store.longTerm.insert(lesson("a", "Carry the tens."));
    store.longTerm.edit("a", "Mind the units.");
    expect(store.audit.database()).toEqual([]);
    const { path } = store;
    store.close();
    const reading = Store.openReadOnly(path, "memory/migrations");
    expect(reading.longTerm.relevance("sums", ["units"]).size).toBe(1);
    expect(reading.audit.database()).toEqual([]);
    reading.close();
  });
});

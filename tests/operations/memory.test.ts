import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import { collectGarbage } from "../../src/operations/gc.js";
import {
  backUp,
  bringBack,
  databaseOf,
  filesIn,
  finishedFolder,
  flip,
  operating,
  problemsOf,
} from "./support.js";

const kinds = [
  ["alone", { retrain: { method: "memory" } }],
  ["beside weights", { memory: {} }],
] as const;

function rows<T>(folder: string, sql: string): T[] {
  const db = new Database(databaseOf(folder));
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

function change(folder: string, sql: string): void {
  const db = new Database(databaseOf(folder));
  db.pragma("foreign_keys = OFF");
  db.exec(sql);
  db.close();
}

describe.each(kinds)("a memory %s", (_name, changes) => {
  const memories = (folder: string) =>
    filesIn(folder).filter((name) => name.endsWith("memory.json"));

  it("is verified, and a changed or missing file of it is found", async () => {
    const folder = await finishedFolder(changes);
    expect(await problemsOf(folder)).toEqual([]);
    const files = memories(folder);
    expect(files.length).toBeGreaterThan(0);
    const path = join(folder, files[0]!);
    flip(path, 40);
    expect((await problemsOf(folder))[0]?.what).toContain("memory.json was cut off or changed");
    flip(path, 40);
    rmSync(path);
    expect((await problemsOf(folder))[0]?.what).toContain("cannot be read");
  });

  it("whose row says something else than its file, or of a task that is none to learn from, is found", async () => {
    const folder = await finishedFolder(changes);
    change(folder, "UPDATE adapters SET memory = replace(memory, 'Carry', 'Drop')");
    expect((await problemsOf(folder))[0]?.what).toContain("what the database says");
    const other = await finishedFolder(changes);
    change(
      other,
      "UPDATE tasks SET split = 'replay', position = position + 1000 WHERE id IN (SELECT task_id FROM distilled)",
    );
    const found = (await problemsOf(other)).map(({ what }) => what).join("\n");
    expect(found).toContain("lessons whose task is not one to learn from");
  });

  it("is in a backup and comes back", async () => {
    const folder = await finishedFolder(changes);
    const files = memories(folder);
    const before = files.map((name) => readFileSync(join(folder, name), "utf8"));
    await backUp(folder, "copy");
    for (const name of files) rmSync(join(folder, name));
    await bringBack(folder, join(folder, "copy"), true);
    expect(files.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(before);
    expect(await problemsOf(folder)).toEqual([]);
  });

  it("is collected when it was rejected, never when it is or was an incumbent's", async () => {
    const folder = await finishedFolder(changes);
    const [{ main } = { main: "" }] = rows<{ main: string }>(
      folder,
      `SELECT ifnull(gguf_path, memory_path) AS main FROM adapters a
         JOIN rounds r ON candidate = a.sha256 JOIN decisions d ON d.run_id = r.run_id AND d.round = r.number
        WHERE outcome = 'rejected'`,
    );
    expect(existsSync(join(folder, main))).toBe(true);
    const gone = { cache: join(folder, "cache"), trainer: join(folder, "trainer") };
    const { items } = await collectGarbage(workspaceAt(folder), {
      ...{ ...operating, ...gone, yes: true, rejectedDays: 1 },
      now: new Date("2036-01-01T00:00:00Z"),
    });
    expect(items.filter(({ kind }) => kind === "rejected")).toHaveLength(1);
    expect(existsSync(join(folder, main))).toBe(false);
    expect(await problemsOf(folder)).toEqual([]);
    const copy = await backUp(folder, "copy");
    expect(copy.adapters).toBe(2);
  });
});

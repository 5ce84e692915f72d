import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import { backup } from "../../src/operations/backup.js";
import { readManifest } from "../../src/operations/manifest.js";
import { digestOf } from "../support/digest.js";
import {
  backUp,
  besideUs,
  bringBack,
  databaseOf,
  failpointsOf,
  filesIn,
  finishedFolder,
  flip,
  inChild,
  operating,
  problemsOf,
  temporaryFolder,
  whileRunning,
} from "./support.js";

describe("a backup", () => {
  it("holds the database, the adapters and the run folders, and is a workspace itself", async () => {
    const folder = await finishedFolder();
    writeFileSync(join(folder, "runs", "sums-1", "controller.lock"), "{}");
    symlinkSync("/etc/hostname", join(folder, "runs", "sums-1", "link"));
    const result = await backUp(folder, "copy");
    expect(result).toMatchObject({ runs: 1, adapters: 2 });
    expect(result.bytes).toBeGreaterThan(100_000);
    const copy = join(folder, "copy");
    const names = filesIn(copy);
    expect(names).toContain("runs/sums-1/report.md");
    expect(names.filter((name) => name.endsWith("adapter.gguf"))).toHaveLength(2);
    expect(names.filter((name) => /lock|link|partial|\.tmp/.test(name))).toEqual([]);
    expect((await readManifest(copy)).files.map(({ path }) => path).sort()).toEqual(
      names.filter((name) => name !== "redistill-backup.json"),
    );
    expect(digestOf(databaseOf(copy))).toEqual(digestOf(databaseOf(folder)));
    expect(await problemsOf(copy)).toEqual([]);
  });

  it("is of one moment though another process commits in the middle of it", async () => {
    const folder = await finishedFolder();
    const db = new Database(databaseOf(folder));
    // More pages than are copied at once.
    db.exec("CREATE TABLE filler (text TEXT) STRICT");
    const fill = db.prepare("INSERT INTO filler VALUES (?)");
    db.transaction(() => {
      for (let row = 0; row < 8_000; row++) fill.run("x".repeat(4_000));
    })();
    const before = db.prepare("SELECT count(*) FROM events").pluck().get() as number;
    const shares: string[] = [];
    const onProgress = (text: string) => {
      if (!text.startsWith("copying the database")) return;
      shares.push(text);
      // A real second process: it must not wait for us, and we must not begin again.
      if (shares.length < 4) expect(inChild(["write", folder, `${shares.length}`]).status).toBe(0);
    };
    await backup(workspaceAt(folder), "copy", { ...operating, onProgress });
    expect(shares.length).toBeGreaterThan(3);
    expect(new Set(shares).size).toBe(shares.length);
    const count = db.prepare("SELECT count(*) FROM events").pluck();
    expect(count.get()).toBe(before + 3);
    db.close();
    const copy = new Database(databaseOf(join(folder, "copy")), { readonly: true });
    expect(copy.prepare("SELECT count(*) FROM events").pluck().get()).toBe(before);
    expect(copy.pragma("integrity_check", { simple: true })).toBe("ok");
    copy.close();
  });

  it("taken at any moment of a run goes on to the same rows", async () => {
    const undisturbed = temporaryFolder();
    expect(inChild(["run", undisturbed, undisturbed]).status).toBe(0);
    const folder = temporaryFolder();
    const run = besideUs(["run", folder, undisturbed]);
    const copies: string[] = [];
    const code = await whileRunning(run, async () => {
      if (!existsSync(databaseOf(folder))) return;
      try {
        await backUp(folder, `copy-${copies.length}`);
        copies.push(join(folder, `copy-${copies.length}`));
      } catch (error) {
        // Asked before the controller has made its tables.
        expect(String(error)).toMatch(/no redistill tables|no run in|locked/);
      }
    });
    expect(code).toBe(0);
    expect(copies.length).toBeGreaterThan(2);
    for (const copy of [copies[1]!, copies[Math.floor(copies.length / 2)]!]) {
      const elsewhere = temporaryFolder();
      await bringBack(elsewhere, copy);
      expect(inChild(["run", elsewhere, undisturbed]).status).toBe(0);
      expect(digestOf(databaseOf(elsewhere))).toEqual(digestOf(databaseOf(undisturbed)));
      expect(await problemsOf(elsewhere)).toEqual([]);
    }
  });

  it("is made of a database of an older schema too: that is when one is wanted", async () => {
    const folder = await finishedFolder();
    const db = new Database(databaseOf(folder));
    db.exec("DROP TABLE collected_adapters; PRAGMA user_version = 1");
    db.close();
    expect(await backUp(folder, "copy")).toMatchObject({ runs: 1, adapters: 2 });
    expect((await readManifest(join(folder, "copy"))).schema).toBe(1);
    await bringBack(temporaryFolder(), join(folder, "copy"));
  });

  it("never goes where something is", async () => {
    const folder = await finishedFolder();
    mkdirSync(join(folder, "theirs"));
    writeFileSync(join(folder, "theirs", "file"), "");
    await expect(backUp(folder, "theirs")).rejects.toThrow("is not an empty folder");
    mkdirSync(join(folder, "empty"));
    await backUp(folder, "empty");
    await expect(backUp(folder, "empty")).rejects.toThrow("holds a backup already");
    await expect(backUp(folder, "memory/backup")).rejects.toThrow("inside what is to be copied");
    mkdirSync(join(folder, "other.partial"));
    writeFileSync(join(folder, "other.partial", "file"), "");
    await expect(backUp(folder, "other")).rejects.toThrow("is in the way");
    await expect(backUp(temporaryFolder(), "copy")).rejects.toThrow("nothing to copy");
  });

  it("of damaged files is refused", async () => {
    const folder = await finishedFolder();
    const names = filesIn(folder).filter((name) => /adapter\.gguf$|safetensors$/.test(name));
    expect(names).toHaveLength(4);
    for (const [number, name] of names.entries()) {
      flip(join(folder, name), 3);
      await expect(backUp(folder, `copy-${number}`)).rejects.toThrow(
        "not the file that was trained",
      );
      expect(existsSync(join(folder, `copy-${number}`))).toBe(false);
      flip(join(folder, name), 3);
    }
    rmSync(join(folder, names[0]!));
    await expect(backUp(folder, "copy")).rejects.toThrow("cannot copy");
  });

  it("of a damaged database is refused", async () => {
    const folder = await finishedFolder();
    const bytes = readFileSync(databaseOf(folder));
    bytes.fill(0x5a, 4096 * 12, 4096 * 12 + 200);
    writeFileSync(databaseOf(folder), bytes);
    await expect(backUp(folder, "copy")).rejects.toThrow(/damaged/);
    expect(existsSync(join(folder, "copy"))).toBe(false);
  });

  it.each(failpointsOf("backup"))("killed at %s is none until it is done again", async (name) => {
    const folder = await finishedFolder();
    const copy = join(folder, "copy");
    const point = name === "backup:file" ? `${name}@5` : name;
    expect(inChild(["backup", folder, "copy"], point).signal).toBe("SIGKILL");
    if (name === "backup:renamed") {
      expect(existsSync(copy)).toBe(true);
    } else {
      expect(existsSync(copy)).toBe(false);
      await expect(bringBack(temporaryFolder(), `${copy}.other`)).rejects.toThrow(
        "no whole backup",
      );
      // A file that was cut off in the copying, and one that is gone since.
      writeFileSync(join(folder, "copy.partial", "left.1.tmp"), "half");
      await backUp(folder, "copy");
    }
    expect(existsSync(`${copy}.partial`)).toBe(false);
    expect(filesIn(copy).filter((file) => file.endsWith(".tmp"))).toEqual([]);
    const elsewhere = temporaryFolder();
    await bringBack(elsewhere, copy);
    expect(digestOf(databaseOf(elsewhere))).toEqual(digestOf(databaseOf(folder)));
    expect(await problemsOf(elsewhere)).toEqual([]);
  });

  it("whose try was killed before its end cannot be restored", async () => {
    const folder = await finishedFolder();
    inChild(["backup", folder, "copy"], "backup:file@3");
    await expect(bringBack(temporaryFolder(), join(folder, "copy.partial"))).rejects.toThrow(
      "holds no whole backup",
    );
  });
});

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/hash.js";
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
  problemsOf,
  temporaryFolder,
} from "./support.js";

/** A workspace that differs from the one that the backup was made of. */
async function changedFolder(): Promise<string> {
  const folder = await finishedFolder();
  const db = new Database(databaseOf(folder));
  db.exec("UPDATE tasks SET tags = '[\"changed\"]'");
  db.close();
  writeFileSync(join(folder, "runs", "sums-1", "report.md"), "# Another report\n");
  return folder;
}

async function backupFolder(): Promise<{ copy: string; digest: ReturnType<typeof digestOf> }> {
  const folder = await finishedFolder();
  await backUp(folder, "copy");
  return { copy: join(folder, "copy"), digest: digestOf(databaseOf(folder)) };
}

describe("a restore", () => {
  it("refuses a workspace that is not empty; with force it keeps what was there", async () => {
    const { copy, digest } = await backupFolder();
    const folder = await changedFolder();
    const former = digestOf(databaseOf(folder));
    await expect(bringBack(folder, copy)).rejects.toThrow("not empty");
    expect(digestOf(databaseOf(folder))).toEqual(former);
    const result = await bringBack(folder, copy, true);
    expect(result.former).toBe(join(folder, "former-2026-03-01T12-00-00"));
    expect(digestOf(databaseOf(folder))).toEqual(digest);
    expect(readFileSync(join(folder, "runs", "sums-1", "report.md"), "utf8")).toBe("# A report\n");
    expect(await problemsOf(folder)).toEqual([]);
    expect(digestOf(databaseOf(result.former!))).toEqual(former);
    expect(await problemsOf(result.former!)).toEqual([]);
    expect(readFileSync(join(result.former!, "runs", "sums-1", "report.md"), "utf8")).toContain(
      "Another",
    );
    expect(existsSync(join(folder, ".redistill-restore"))).toBe(false);
  });

  it("gives back runs that were being worked on when the backup was made", async () => {
    const folder = await finishedFolder();
    const db = new Database(databaseOf(folder));
    db.exec("UPDATE runs SET state = 'running', owner_pid = 1");
    // The owner lives, on this very machine: here it works on the original, not on the copy.
    db.prepare("UPDATE leases SET host = ?, pid = ?, started = NULL, beat_at = ?").run(
      hostname(),
      process.pid,
      Date.now(),
    );
    const { epoch } = db.prepare("SELECT epoch FROM leases").get() as { epoch: number };
    db.close();
    await backUp(folder, "copy");
    const elsewhere = temporaryFolder();
    await bringBack(elsewhere, join(folder, "copy"));
    const restored = new Database(databaseOf(elsewhere), { readonly: true });
    expect(restored.prepare("SELECT state, owner_pid FROM runs").all()).toEqual([
      { state: "interrupted", owner_pid: null },
    ]);
    expect(restored.prepare("SELECT host, pid, worker_pid, epoch FROM leases").all()).toEqual([
      { host: null, pid: null, worker_pid: null, epoch },
    ]);
    restored.close();
  });

  it("does not touch a workspace whose database another process has open", async () => {
    const { copy } = await backupFolder();
    const folder = await changedFolder();
    const files = filesIn(folder);
    const former = digestOf(databaseOf(folder));
    const holder = besideUs(["hold", folder]);
    expect(await holder.firstLine).toBe("open\n");
    await expect(bringBack(folder, copy, true)).rejects.toThrow("has");
    await expect(bringBack(folder, copy, true)).rejects.toMatchObject({ kind: "state" });
    expect(filesIn(folder)).toEqual(files);
    expect(digestOf(databaseOf(folder))).toEqual(former);
    holder.child.stdin.end();
    await holder.ended;
    await bringBack(folder, copy, true);
  });

  it("replaces a database that is damaged beyond opening", async () => {
    const { copy, digest } = await backupFolder();
    const folder = await changedFolder();
    writeFileSync(databaseOf(folder), "this is no database any more".repeat(400));
    await bringBack(folder, copy, true);
    expect(digestOf(databaseOf(folder))).toEqual(digest);
  });

  it("finds one bit that changed, in any file of the backup", async () => {
    const { copy } = await backupFolder();
    for (const name of filesIn(copy)) {
      const path = join(copy, name);
      const at = Math.floor(statSync(path).size / 2);
      flip(path, at);
      const folder = temporaryFolder();
      await expect(bringBack(folder, copy), name).rejects.toThrow(/damaged/);
      expect(filesIn(folder), name).toEqual([]);
      flip(path, at);
    }
    await bringBack(temporaryFolder(), copy);
  });

  it("finds any bit that changed in the manifest", async () => {
    const { copy } = await backupFolder();
    const path = join(copy, "redistill-backup.json");
    const { size } = statSync(path);
    for (let at = 0; at < size - 1; at += Math.max(1, Math.floor(size / 150))) {
      flip(path, at);
      await expect(bringBack(temporaryFolder(), copy), `byte ${at}`).rejects.toThrow();
      flip(path, at);
    }
  });

  it("misses no file, and leads nowhere else", async () => {
    const { copy } = await backupFolder();
    const path = join(copy, "redistill-backup.json");
    const { checksum: _, ...rest } = JSON.parse(readFileSync(path, "utf8"));
    const secret = join(temporaryFolder(), "secret");
    writeFileSync(secret, "secret");
    const escapes = ["../escaped", "memory/adapters/../../../escaped", "/tmp/escaped", "runs//a"];
    for (const place of [...escapes, "runs/sums-1/missing"]) {
      const files = [...rest.files, { path: place, bytes: 6, sha256: sha256("secret") }];
      const hostile = { ...rest, files };
      writeFileSync(path, JSON.stringify({ ...hostile, checksum: sha256(hostile) }));
      const parent = temporaryFolder();
      mkdirSync(join(parent, "workspace"));
      await expect(bringBack(join(parent, "workspace"), copy), place).rejects.toThrow(
        place.endsWith("missing") ? "is missing from it" : "leads out of a workspace",
      );
      expect(readdirSync(parent)).toEqual(["workspace"]);
    }
  });

  it.each(
    failpointsOf("restore").flatMap((name) =>
      name === "restore:move" ? [1, 2, 3, 4, 5, 6].map((n) => `${name}@${n}`) : [`${name}@1`],
    ),
  )("killed at %s is finished by the next one, and loses nothing", async (point) => {
    const { copy, digest } = await backupFolder();
    const folder = await changedFolder();
    const former = digestOf(databaseOf(folder));
    expect(inChild(["restore", folder, copy], point).signal).toBe("SIGKILL");
    if (point.startsWith("restore:file")) {
      // Nothing was moved yet.
      expect(digestOf(databaseOf(folder))).toEqual(former);
      expect(await problemsOf(folder)).toEqual([]);
    } else {
      await expect(backUp(folder, "half")).rejects.toThrow("a restore into");
    }
    const result = await bringBack(folder, copy, true);
    expect(result.finishedEarlier).toBe(!point.startsWith("restore:file"));
    expect(digestOf(databaseOf(folder))).toEqual(digest);
    expect(await problemsOf(folder)).toEqual([]);
    expect(digestOf(databaseOf(result.former!))).toEqual(former);
    expect(await problemsOf(result.former!)).toEqual([]);
    expect(existsSync(join(folder, ".redistill-restore"))).toBe(false);
  });

  it("does not overwrite a database that was made between a kill and the next try", async () => {
    const { copy } = await backupFolder();
    const folder = await changedFolder();
    // The fifth move takes the former database away; the sixth would bring the new one.
    inChild(["restore", folder, copy], "restore:move@5");
    expect(existsSync(databaseOf(folder))).toBe(false);
    cpSync(databaseOf(copy), databaseOf(folder));
    await expect(bringBack(folder, copy, true)).rejects.toThrow("another");
    expect(existsSync(databaseOf(folder))).toBe(true);
  });
});

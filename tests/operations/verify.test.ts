import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { verifyCommand } from "../../src/cli/commands/verify.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { stableId } from "../../src/core/hash.js";
import { recordingOutput } from "../cli/support.js";
import { backUp, databaseOf, filesIn, finishedFolder, flip, problemsOf } from "./support.js";

afterEach(() => {
  process.exitCode = undefined;
});

function change(folder: string, work: (db: Database.Database) => void): void {
  const db = new Database(databaseOf(folder));
  db.pragma("foreign_keys = OFF");
  work(db);
  db.close();
}

async function afterSql(sql: string): Promise<string> {
  const folder = await finishedFolder();
  change(folder, (db) => db.exec(sql));
  return (await problemsOf(folder)).map(({ what }) => what).join("\n");
}

describe("verify", () => {
  it("finds nothing wrong with a run that went well", async () => {
    expect(await problemsOf(await finishedFolder())).toEqual([]);
  });

  it("finds a bit that changed in any file of an adapter that is hashed, and one that is gone", async () => {
    const folder = await finishedFolder();
    const names = filesIn(folder).filter((name) =>
      /\.gguf$|\.safetensors$|manifest\.json$/.test(name),
    );
    expect(names).toHaveLength(6);
    for (const name of names) {
      const path = join(folder, name);
      // In the manifest this is a digit of a hash.
      flip(path, 30);
      const [problem, ...more] = await problemsOf(folder);
      expect(problem?.what, name).toMatch(/^Adapter [0-9a-f]{12} of sums-1: /);
      expect(problem?.todo).toContain("backup");
      expect(more.length, name).toBeLessThan(2);
      flip(path, 30);
    }
    expect(await problemsOf(folder)).toEqual([]);
    rmSync(join(folder, names[0]!));
    expect((await problemsOf(folder))[0]?.what).toContain("cannot be read");
  });

  it("finds damage in pages of the database", async () => {
    const folder = await finishedFolder();
    const path = databaseOf(folder);
    const whole = readFileSync(path);
    const pages = whole.length / 4096;
    let found = 0;
    for (let page = 1; page < pages; page += Math.ceil(pages / 40)) {
      const bytes = Buffer.from(whole);
      // The number of cells in the page's header.
      bytes[page * 4096 + 4]! ^= 1;
      writeFileSync(path, bytes);
      const problems = await problemsOf(folder).catch((error) => [error]);
      if (problems.length > 0) found++;
    }
    // Overflow pages have no header: a bit of theirs is a bit of a text.
    expect(found).toBeGreaterThan(25);
    writeFileSync(path, whole);
    expect(await problemsOf(folder)).toEqual([]);
  });

  it("finds a changed letter in what was asked, answered, or learned", async () => {
    expect(
      await afterSql(
        "UPDATE calls SET messages = replace(messages, 'Calc', 'Talc') WHERE rowid = 5",
      ),
    ).toMatch(/calls whose key is not the hash of what was asked: 1 \(/);
    expect(
      await afterSql(
        "UPDATE calls SET text = text || '0' WHERE key = (SELECT call_key FROM attempts LIMIT 1)",
      ),
    ).toMatch(/attempts that are not what their call says/);
    expect(await afterSql("UPDATE examples SET completion = 'x' WHERE rowid = 1")).toMatch(
      /examples whose (attempt|revision) is not there, was not right, or says something else: 1 \(/,
    );
    expect(await afterSql("UPDATE examples SET messages = '[]' WHERE rowid = 1")).toMatch(
      /examples whose question is not their task's/,
    );
    expect(
      await afterSql(
        "UPDATE tasks SET prompt = prompt || '.' WHERE split = 'sealed' AND position < 130",
      ),
    ).toMatch(/sealed tasks are not what they were/);
  });

  it("finds rows whose source is gone", async () => {
    expect(
      await afterSql("DELETE FROM calls WHERE key = (SELECT call_key FROM attempts LIMIT 1)"),
    ).toMatch(/attempts whose call is not there/);
    expect(await afterSql("DELETE FROM calls WHERE rowid = 9")).toMatch(
      /refers to no row of calls/,
    );
    expect(
      await afterSql(
        "DELETE FROM verdicts WHERE subject_id = (SELECT source_id FROM examples WHERE source = 'attempt' LIMIT 1)",
      ),
    ).toMatch(/attempts without a verdict[\s\S]*examples whose attempt/);
    expect(
      await afterSql(
        "UPDATE tasks SET split = 'gate', position = 9999 WHERE id = (SELECT task_id FROM examples LIMIT 1)",
      ),
    ).toMatch(/examples whose task is not one to learn from/);
  });

  it("finds incumbents that do not follow from the decisions", async () => {
    expect(await afterSql("UPDATE runs SET incumbent = NULL")).toMatch(
      /its incumbent is the base weights; its decisions led to adapter/,
    );
    expect(await afterSql("DELETE FROM decisions WHERE round = 2")).toMatch(
      /round 2 ended without a decision/,
    );
    expect(await afterSql("UPDATE rounds SET incumbent = NULL WHERE number = 2")).toMatch(
      /round 2 began with the base weights; the decisions before it left adapter/,
    );
    expect(await afterSql("UPDATE decisions SET outcome = 'rejected' WHERE round = 1")).toMatch(
      /round 2 began with adapter/,
    );
    expect(
      await afterSql(
        "UPDATE evaluations SET outcome = 'wrong', score = 0 WHERE suite = 'gate' AND adapter <> '' AND outcome = 'ok'",
      ),
    ).toMatch(/round 1 was decided on \d+ gained and \d+ lost gate tasks; the answers have 0 and/);
  });

  it("lets a promotion be taken back", async () => {
    const folder = await finishedFolder();
    change(folder, (db) =>
      db.exec(
        `DELETE FROM decisions WHERE round = 2; DELETE FROM stages WHERE round = 2; DELETE FROM examples WHERE round = 2;
         DELETE FROM readings WHERE round = 2; DELETE FROM elicited WHERE round = 2; DELETE FROM attempts WHERE round = 2; DELETE FROM critiques WHERE round = 2;
         DELETE FROM revisions WHERE round = 2; DELETE FROM refusals WHERE round = 2; DELETE FROM rounds WHERE number = 2;
         DELETE FROM evaluations WHERE suite = 'sealed' AND adapter <> '';
         UPDATE runs SET incumbent = NULL;`,
      ),
    );
    const before = (await problemsOf(folder)).map(({ what }) => what).join();
    expect(before).toContain("its decisions led to adapter");
    change(folder, (db) =>
      db.exec(
        `INSERT INTO events (run_id, round, kind, payload, at) VALUES ('sums-1', 1, 'rolled back', '{}', '')`,
      ),
    );
    expect(await problemsOf(folder)).toEqual([]);
  });

  it("finds suites that were not answered whole", async () => {
    expect(
      await afterSql("DELETE FROM evaluations WHERE rowid = (SELECT max(rowid) FROM evaluations)"),
    ).toMatch(/answered 19 of the sealed suite's tasks/);
    expect(
      await afterSql("DELETE FROM evaluations WHERE suite = 'sealed' AND adapter = ''"),
    ).toMatch(/no answers of the base weights to the sealed suite/);
  });

  it("finds a held-out task among those that were learned", async () => {
    const folder = await finishedFolder();
    change(folder, (db) => {
      const gate = db
        .prepare("SELECT prompt, reference FROM tasks WHERE split = 'gate' LIMIT 1")
        .get() as {
        prompt: string;
        reference: string;
      };
      const learned = db.prepare("SELECT task_id FROM examples LIMIT 1").pluck().get() as string;
      const id = stableId("task", "train", gate.prompt, gate.reference);
      db.prepare("UPDATE tasks SET id = ?, prompt = ?, reference = ? WHERE id = ?").run(
        ...[id, gate.prompt, gate.reference, learned],
      );
      const tables = ["elicited", "attempts", "critiques", "revisions", "examples", "refusals"];
      for (const table of tables) {
        db.prepare(`UPDATE ${table} SET task_id = ? WHERE task_id = ?`).run(id, learned);
      }
    });
    const problems = (await problemsOf(folder)).map(({ what }) => what);
    expect(
      problems.some((what) =>
        /learned from task_\w+, which resembles the held-out task_\w+ \(similarity 1\.00\)/.test(
          what,
        ),
      ),
    ).toBe(true);
  });

  it("inside a backup holds its files against its manifest", async () => {
    const folder = await finishedFolder();
    await backUp(folder, "copy");
    const copy = join(folder, "copy");
    expect(await problemsOf(copy)).toEqual([]);
    flip(join(copy, "runs", "sums-1", "report.md"), 2);
    expect((await problemsOf(copy))[0]?.what).toContain(
      "runs/sums-1/report.md is not what its manifest says",
    );
    flip(join(copy, "redistill-backup.json"), 30);
    expect((await problemsOf(copy))[0]?.what).toContain("redistill-backup.json is damaged");
  });

  it("as a command ends with 0 or 4, and says each problem with what to do", async () => {
    const folder = await finishedFolder();
    const output = recordingOutput();
    const options = {
      workspace: workspaceAt(folder),
      output,
      signal: new AbortController().signal,
    };
    await verifyCommand(undefined, options);
    expect(output.lines.at(-1)).toMatch(/^All is well: .*1 run, 2 adapters/);
    expect(output.results.at(-1)).toMatchObject({ kind: "verify", ok: true, problems: [] });
    expect(process.exitCode).toBeUndefined();
    change(folder, (db) => db.exec("UPDATE runs SET incumbent = NULL"));
    await verifyCommand("sums-1", options);
    expect(process.exitCode).toBe(4);
    expect(output.results.at(-1)).toMatchObject({ ok: false, problems: [{ run: "sums-1" }] });
    expect(output.lines.join("\n")).toMatch(
      /its decisions led to adapter .*\n {2}Restore a backup/,
    );
    await expect(verifyCommand("sums-9", options)).rejects.toThrow("no run sums-9");
  });
});

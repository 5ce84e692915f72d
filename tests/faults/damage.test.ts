import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Store } from "../../src/store/store.js";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, fired, folder, random, sampled, work } from "./harness.js";

const migrations = "memory/migrations";
const pageSize = 4096;
const tasks = folder();
const undisturbed = folder();
let whole: Buffer;

const upTo = (limit: number) => Math.floor(random() * limit);

/** A new folder with these bytes as its database, and perhaps a log beside it. */
function databaseWith(bytes: Buffer, log?: Buffer): string {
  const where = folder();
  mkdirSync(`${where}/memory`);
  writeFileSync(databaseOf(where), bytes);
  if (log) writeFileSync(`${databaseOf(where)}-wal`, log);
  return where;
}

function withPage(bytes: Buffer, page: number, fill: number): Buffer {
  const copy = Buffer.from(bytes);
  return copy.fill(fill, page * pageSize, (page + 1) * pageSize);
}

beforeAll(() => {
  sumsFile(tasks, 160);
  expect(work(undisturbed, tasks)).toMatchObject({ status: 0 });
  whole = readFileSync(databaseOf(undisturbed));
});

describe("a damaged database is refused, says how to restore it, and stays as it is", () => {
  const cases: [string, () => Buffer][] = [
    ["garbage", () => Buffer.from(Array.from({ length: 20_000 }, () => upTo(256)))],
    ["an intact header with garbage after it", () => withGarbage(100)],
    ...Array.from({ length: 12 }, (_, index): [string, () => Buffer] => [
      `one that was cut off (${index})`,
      () => whole.subarray(0, 200 + upTo(whole.length - 300)),
    ]),
    ...Array.from({ length: 30 }, (_, index): [string, () => Buffer] => [
      `one with an overwritten page (${index})`,
      () => withPage(whole, upTo(whole.length / pageSize), index % 2 ? 0xff : 0x5a),
    ]),
  ];

  function withGarbage(from: number): Buffer {
    const copy = Buffer.from(whole);
    for (let at = from; at < copy.length; at++) copy[at] = upTo(256);
    return copy;
  }

  it.each(sampled(cases, 12))("%s", (_name, make) => {
    const bytes = make();
    const where = databaseWith(bytes);
    expect(() => Store.open(databaseOf(where), migrations)).toThrow(/damaged|not a database/);
    try {
      Store.open(databaseOf(where), migrations);
    } catch (error) {
      expect((error as { hint: string }).hint).toMatch(/backup|Name another file/);
      expect((error as { exitCode: number }).exitCode).toBe(4);
    }
    expect(readFileSync(databaseOf(where)).equals(bytes)).toBe(true);
    fired("10 damaged database");
  });

  it("also with a log beside it that was not copied in yet", () => {
    const killed = folder();
    expect(work(killed, tasks, { failpoint: "stage:gate:after" }).signal).toBe("SIGKILL");
    // Copies the log into the file; the next process begins another.
    Store.open(databaseOf(killed), migrations).close();
    expect(work(killed, tasks, { failpoint: "stage:generate:after" }).signal).toBe("SIGKILL");
    const file = readFileSync(databaseOf(killed));
    const log = readFileSync(`${databaseOf(killed)}-wal`);
    let refused = 0;
    for (let page = 1; page < file.length / pageSize; page += 1 + upTo(8)) {
      const bytes = withPage(file, page, 0xff);
      const where = databaseWith(bytes, log);
      try {
        Store.open(databaseOf(where), migrations).close();
      } catch {
        // A page that the log holds too is sound as far as anybody can see.
        refused++;
        expect(readFileSync(databaseOf(where)).equals(bytes)).toBe(true);
        expect(readFileSync(`${databaseOf(where)}-wal`).equals(log)).toBe(true);
      }
    }
    expect(refused).toBeGreaterThan(3);
    fired("10 damaged database with a log", { times: refused });
  });
});

describe("a torn log", () => {
  const killed = folder();
  let log: Buffer;
  let expected: Record<string, string> = {};
  const keys = (where: string) =>
    ask(where, "SELECT group_concat(key) FROM (SELECT key FROM calls ORDER BY rowid)") as
      | string
      | null;
  let allKeys = "";
  beforeAll(() => {
    expect(work(killed, tasks, { failpoint: "call:after@57" }).signal).toBe("SIGKILL");
    log = readFileSync(`${databaseOf(killed)}-wal`);
    copyFileSync(databaseOf(killed), `${killed}/copy.db`);
    expected = digestOf(databaseOf(undisturbed));
    const whole = databaseWith(readFileSync(`${killed}/copy.db`), log);
    Store.open(databaseOf(whole), migrations).close();
    allKeys = keys(whole) as string;
    expect(allKeys.split(",")).toHaveLength(57);
  });

  const cuts: [string, () => Buffer][] = [
    ["without its last byte", () => log.subarray(0, -1)],
    ["cut off within its last frame", () => log.subarray(0, log.length - 2000)],
    ...Array.from({ length: 8 }, (_, index): [string, () => Buffer] => [
      `cut off anywhere (${index})`,
      () => log.subarray(0, upTo(log.length)),
    ]),
    ...Array.from({ length: 8 }, (_, index): [string, () => Buffer] => [
      `with a wrong byte (${index})`,
      () => {
        const copy = Buffer.from(log);
        const at = 32 + upTo(copy.length - 32);
        copy[at] = (copy[at] as number) ^ 0x10;
        return copy;
      },
    ]),
  ];

  it.each(sampled(cuts, 4))("%s keeps what was committed before the tear", (_name, make) => {
    const where = databaseWith(readFileSync(`${killed}/copy.db`), make());
    expect(existsSync(databaseOf(where))).toBe(true);
    const store = Store.open(databaseOf(where), migrations);
    expect(store.integrityProblems()).toEqual([]);
    store.close();
    expect(allKeys.startsWith(keys(where) ?? "")).toBe(true);
    expect(work(where, tasks)).toMatchObject({ status: 0 });
    expectSame("11 torn log", where, expected);
  });
});

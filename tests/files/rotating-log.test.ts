import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LineReader } from "../../src/files/line-reader.js";
import { RotatingLog } from "../../src/files/rotating-log.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-log-"));
const failures: string[] = [];
const logAt = (path: string, limit = 1_000) =>
  new RotatingLog({ path, limit, files: 3, onFailure: (reason) => failures.push(reason) });
const line = (number: number) => JSON.stringify({ number, filling: "x".repeat(80) });
const numbersIn = (lines: readonly string[]) => lines.map((text) => JSON.parse(text).number);

describe("a rotating log", () => {
  it("keeps the newest files of about the limit's size, each of whole lines", () => {
    const where = folder();
    const log = logAt(join(where, "log.ndjson"));
    for (let number = 0; number < 100; number++) log.write(line(number));
    log.close();
    expect(readdirSync(where).sort()).toEqual(["log.ndjson", "log.ndjson.1", "log.ndjson.2"]);
    for (const name of readdirSync(where))
      expect(statSync(join(where, name)).size).toBeLessThan(1_200);
    const numbers = numbersIn(new LineReader(join(where, "log.ndjson"), 3).read());
    expect(numbers.at(-1)).toBe(99);
    expect(numbers).toEqual(
      Array.from({ length: numbers.length }, (_, i) => 100 - numbers.length + i),
    );
    expect(numbers.length).toBeGreaterThan(20);
  });

  it("goes on after a line that a kill broke off, which harms no other", () => {
    const path = join(folder(), "log.ndjson");
    logAt(path).write(line(1));
    appendFileSync(path, '{"number":2,"fil');
    logAt(path).write(line(3));
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines).toEqual([line(1), '{"number":2,"fil', line(3), ""]);
  });

  it.skipIf(process.platform !== "linux")("on a full disk says so once and throws nothing", () => {
    const where = folder();
    const path = join(where, "log.ndjson");
    symlinkSync("/dev/full", path);
    const log = logAt(path);
    failures.length = 0;
    for (let number = 0; number < 5; number++) log.write(line(number));
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain("ENOSPC");
    // When there is room again, lines are whole.
    log.close();
    rmSync(path);
    log.write(line(6));
    expect(readFileSync(path, "utf8")).toBe(`${line(6)}\n`);
  });

  it("in a place where nothing can be written throws nothing either", () => {
    failures.length = 0;
    logAt(join(folder(), "log\0.ndjson")).write("lost");
    expect(failures).toHaveLength(1);
  });
});

describe("a reader of such a log", () => {
  it("gives each line once, in order, while the log grows and is set aside", () => {
    const path = join(folder(), "log.ndjson");
    const log = logAt(path);
    const reader = new LineReader(path, 3);
    expect(reader.read()).toEqual([]);
    const seen: number[] = [];
    for (let number = 0; number < 200; number++) {
      log.write(line(number));
      if (number % 7 === 0) seen.push(...numbersIn(reader.read()));
    }
    seen.push(...numbersIn(reader.read()));
    reader.close();
    expect(seen).toEqual(Array.from({ length: 200 }, (_, number) => number));
  });

  it("waits for the end of a line", () => {
    const path = join(folder(), "log.ndjson");
    appendFileSync(path, "one\ntw");
    const reader = new LineReader(path, 1);
    expect(reader.read()).toEqual(["one"]);
    appendFileSync(path, "o ü\n");
    expect(reader.read()).toEqual(["two ü"]);
    reader.close();
  });
});

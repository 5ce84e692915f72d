import { mkdtempSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTaskFile } from "../../src/sources/jsonl.js";

const path = join(mkdtempSync(join(tmpdir(), "redistill-")), "tasks.jsonl");
const read = (content: string | Uint8Array) => {
  writeFileSync(path, content);
  return readTaskFile(path, { kind: "exact" });
};

describe("a task file", () => {
  it("gives a task for each line that is not blank", () => {
    const tasks = read(
      '{"prompt":"a","reference":7}\n\n{"prompt":"b","verifier":{"kind":"numeric"},"more":1}\r\n',
    );
    expect(tasks).toEqual([
      { prompt: "a", reference: "7", verifier: { kind: "exact" }, tags: [], metadata: null },
      { prompt: "b", reference: null, verifier: { kind: "numeric" }, tags: [], metadata: null },
    ]);
  });

  it.each([
    ["", "has no tasks"],
    ["\n \n", "has no tasks"],
    ['{"prompt":"a"}\nnonsense\n', "line 2: not JSON"],
    ['{"prompt":"a"', "line 1: not JSON"],
    ["[1]\n", "line 1: the line"],
    ['{"question":"a"}\n', "line 1: prompt"],
    ['{"prompt":"  "}\n', "line 1: the prompt is blank"],
    ['{"prompt":5}\n', "line 1: prompt"],
    ['{"prompt":"a","verifier":{"kind":"magic"}}\n', "line 1: verifier.kind"],
    ['{"prompt":"a"}\n{"prompt":"b"}\n{"prompt":" a "}\n', "line 3: the same prompt as line 1"],
    ['{"prompt":"a","answer":"b"}\n', "it has `answer` but no `reference`"],
    [`{"prompt":"${"x".repeat(40_000)}"}\n`, "line 1: the prompt has 40000 characters"],
  ])("is refused with the line: %#", (content, message) => {
    expect(() => read(content)).toThrow(message);
  });

  it("that is not UTF-8 is refused with the line", () => {
    const latin1 = Buffer.concat([
      Buffer.from('{"prompt":"a"}\n{"prompt":"caf'),
      Buffer.from([0xe9]),
      Buffer.from('"}\n'),
    ]);
    expect(() => read(latin1)).toThrow("line 2: not UTF-8");
  });

  it("that is huge is refused before it is read", () => {
    read('{"prompt":"a"}\n');
    truncateSync(path, 300 * 2 ** 20);
    expect(() => readTaskFile(path, { kind: "exact" })).toThrow(
      "300 MiB; the most for a task file is 256",
    );
  });

  it("that is a folder or absent is refused", () => {
    expect(() => readTaskFile(tmpdir(), { kind: "exact" })).toThrow("is not a file");
    expect(() => readTaskFile("nowhere.jsonl", { kind: "exact" })).toThrow(
      "no task file at nowhere.jsonl",
    );
  });
});

import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, fired, folder, work } from "./harness.js";

const tasks = folder();
const files = { adapters: "files" } as const;

const trainings = (where: string) =>
  readFileSync(join(where, "trainings.txt"), "utf8").split("\n").length - 1;

/** The file of the only adapter so far. */
function adapterFile(where: string, ...names: string[]): string {
  const [job, ...others] = readdirSync(join(where, "memory", "adapters"));
  expect(others).toEqual([]);
  return join(where, "memory", "adapters", job!, "adapter", ...names);
}

describe("a kill between an adapter's files and its row", () => {
  const undisturbed = folder();
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    expect(work(undisturbed, tasks, files)).toMatchObject({ status: 0 });
    expected = digestOf(databaseOf(undisturbed));
  });

  it("leaves files that are adopted by their hash", () => {
    const where = folder();
    const { signal } = work(where, tasks, { ...files, failpoint: "adapter:written" });
    expect(signal).toBe("SIGKILL");
    expect(ask(where, "SELECT count(*) FROM adapters")).toBe(0);
    expect(work(where, tasks, files)).toMatchObject({ status: 0 });
    expectSame("4 kill between file and row", where, expected);
    expect(trainings(where)).toBe(trainings(undisturbed));
  });

  it.each([["adapter.gguf"], ["peft", "adapter_model.safetensors"], ["manifest.json"]])(
    "whose %s was cut off meanwhile is trained again",
    (...names) => {
      const where = folder();
      work(where, tasks, { ...files, failpoint: "adapter:written" });
      truncateSync(adapterFile(where, ...names.filter((name) => name !== undefined)), 7);
      expect(work(where, tasks, files)).toMatchObject({ status: 0 });
      expectSame("4 kill, and the file cut off", where, expected);
      expect(trainings(where)).toBe(trainings(undisturbed) + 1);
    },
  );

  it("an adapter that is cut off after its row was written is refused before use", () => {
    const where = folder();
    work(where, tasks, { ...files, failpoint: "stage:retrain:after" });
    const path = adapterFile(where, "adapter.gguf");
    const whole = readFileSync(path);
    truncateSync(path, whole.length - 1);
    const { status, stderr } = work(where, tasks, files);
    expect(stderr).toContain("is not the adapter that was trained");
    expect(status).toBe(5);
    expect(ask(where, "SELECT count(*) FROM evaluations WHERE adapter <> ''")).toBe(0);
    fired("25 adapter cut off");
  });
});

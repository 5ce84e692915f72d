import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.js";
import { reportCommand } from "../../src/cli/commands/report.js";
import { resumeCommand, runCommand } from "../../src/cli/commands/run.js";
import { statusCommand } from "../../src/cli/commands/status.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { RedistillError } from "../../src/core/errors.js";
import { staysInside } from "../../src/core/safe-names.js";
import { loadRecipe, parseRecipe } from "../../src/recipes/load.js";
import { checkTaskFiles } from "../../src/sources/index.js";
import { finishedWorkspace, recordingOutput, temporaryFolder } from "../cli/support.js";

// Fault row 32: `../`, symlinks, NUL and very long names are refused; nothing outside is touched.

const long = "x".repeat(5_000);

/** Names and contents of everything below a folder. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${entry.isFile() ? readFileSync(path, "base64") : ""}`;
    })
    .sort();
}

/** The error of a piece of work, which has to be one for people. */
async function refusal(work: () => unknown): Promise<RedistillError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(RedistillError);
    return error as RedistillError;
  }
  throw new Error("it was not refused");
}

/** A finished workspace in a folder of its own, beside a folder that nobody may touch. */
async function victim() {
  const parent = temporaryFolder();
  const { folder } = await finishedWorkspace();
  const root = join(parent, "workspace");
  cpSync(folder, root, { recursive: true });
  const outside = join(parent, "outside");
  mkdirSync(join(outside, "peft"), { recursive: true });
  writeFileSync(join(outside, "README.md"), "mine");
  writeFileSync(join(outside, "peft", "key"), "private");
  const workspace = workspaceAt(root);
  const options = { workspace, output: recordingOutput(), signal: new AbortController().signal };
  const change = (sql: string, ...values: string[]) => {
    const db = new Database(workspace.database);
    db.pragma("foreign_keys = OFF");
    db.prepare(sql).run(...values);
    db.close();
  };
  return { root, outside, options, change, before: snapshot(outside) };
}

describe("a recipe", () => {
  const recipe = (changes: Record<string, string>) =>
    Object.entries({
      name: "small",
      rounds: "2",
      tasks: "{source: orders, train: 10, gate: 10}",
      ...changes,
    })
      .map(([key, value]) => `${key}: ${value}\n`)
      .join("");

  it.each(["../up", "a/b", "..", ".", '"a\\0b"', "x".repeat(41), "C:up", "-a", '"a\\n"'])(
    "of the name %s is refused",
    async (name) => {
      const { kind } = await refusal(() => parseRecipe(recipe({ name }), "r.yaml"));
      expect(kind).toBe("usage");
    },
  );

  it.each(["../../etc/passwd", "/etc/passwd", '"a\\0b"', "x".repeat(101)])(
    "with the prompt %s is refused",
    async (prompt) => {
      const text = recipe({ student: `{prompt: ${prompt}}` });
      expect((await refusal(() => parseRecipe(text, "r.yaml"))).kind).toBe("usage");
    },
  );

  it.each([
    ["NUL in", '"a\\0b"'],
    ["a very long name as", long],
    ["a folder as", "."],
    ["a device as", "/dev/zero"],
    ["a link into nothing as", "dangling"],
  ])("with %s the path of a dataset is refused, and nothing is made", async (_what, path) => {
    const folder = temporaryFolder();
    symlinkSync(join(folder, "nothing"), join(folder, "dangling"));
    const file = join(folder, "r.yaml");
    const tasks = `{source: jsonl, path: ${path}, train: 10, gate: 10}`;
    writeFileSync(file, recipe({ tasks }));
    const before = snapshot(folder);
    expect((await refusal(() => checkTaskFiles(loadRecipe(file)))).kind).toBe("usage");
    for (const key of ["retention", "replay"]) {
      const suite =
        key === "retention"
          ? { retention: `{path: ${path}}` }
          : { curate: `{replay: {path: ${path}}}` };
      writeFileSync(file, recipe(suite));
      expect((await refusal(() => checkTaskFiles(loadRecipe(file)))).kind).toBe("usage");
    }
    writeFileSync(file, recipe({ tasks }));
    expect(snapshot(folder)).toEqual(before);
  });

  it.each(['"a\\0b"', long, "/dev/zero"])("with the model %.20s is refused", async (path) => {
    const folder = temporaryFolder();
    const file = join(folder, "r.yaml");
    writeFileSync(file, recipe({ model: `{path: ${path}}` }));
    const workspace = workspaceAt(folder);
    const options = { workspace, output: recordingOutput(), signal: new AbortController().signal };
    await refusal(() => runCommand(file, {}, options));
    expect(readdirSync(folder).sort()).toEqual(["memory", "r.yaml"]);
  });
});

describe("a run's id on the command line", () => {
  it.each(["../../outside", "a\0b", long, "sums-1/../../outside", "\u001b[2J"])(
    "%.30j finds nothing and touches nothing",
    async (id) => {
      const { outside, options, before } = await victim();
      const commands = [
        () => reportCommand(id, {}, options),
        () => exportCommand(id, {}, options),
        () => statusCommand(id, options),
        () => resumeCommand(id, {}, options),
      ];
      for (const command of commands) expect((await refusal(command)).kind).toBe("usage");
      expect(snapshot(outside)).toEqual(before);
    },
  );
});

describe("a database that somebody else wrote", () => {
  let made: Awaited<ReturnType<typeof victim>>;
  beforeEach(async () => {
    made = await victim();
  });

  it.each(["../outside", "runs/../../outside", "runs/other"])(
    "does not lead a report or a lock into %s",
    async (folder) => {
      const { outside, options, change, before } = made;
      change("UPDATE runs SET folder = ?", folder);
      change("UPDATE runs SET state = 'interrupted'");
      for (const command of [
        reportCommand("sums-1", {}, options),
        resumeCommand("sums-1", {}, options),
      ]) {
        expect((await refusal(() => command)).kind).toBe("storage");
      }
      expect(snapshot(outside)).toEqual(before);
    },
  );

  it("does not lead an export out by the name of its run", async () => {
    const { outside, options, change, before } = made;
    change("UPDATE runs SET id = ?, folder = ?", "../../outside", "runs/../../outside");
    expect((await refusal(() => exportCommand(undefined, {}, options))).kind).toBe("storage");
    expect(snapshot(outside)).toEqual(before);
  });

  it.each(["../outside/peft", "/etc", "memory/adapters/../../../outside/peft"])(
    "does not get the files of %s into an export",
    async (path) => {
      const { root, options, change } = made;
      change("UPDATE adapters SET peft_path = ?", path);
      expect((await refusal(() => exportCommand("sums-1", {}, options))).kind).toBe("model");
      expect(readdirSync(root)).not.toContain("exports");
    },
  );
});

describe("a symbolic link", () => {
  it("in the place of a run's folder gets no report", async () => {
    const { root, outside, options, before } = await victim();
    rmSync(join(root, "runs", "sums-1"), { recursive: true, force: true });
    mkdirSync(join(root, "runs"), { recursive: true });
    symlinkSync(outside, join(root, "runs", "sums-1"));
    const { message } = await refusal(() => reportCommand("sums-1", {}, options));
    expect(message).toContain("symbolic link");
    expect(snapshot(outside)).toEqual(before);
  });

  it("in the place of an export is not written through, not even with --force", async () => {
    const { root, outside, options, before } = await victim();
    mkdirSync(join(root, "exports"));
    symlinkSync(outside, join(root, "exports", "sums-1"));
    for (const force of [false, true]) {
      const { message } = await refusal(() => exportCommand("sums-1", { force }, options));
      expect(message).toContain("symbolic link");
    }
    expect(snapshot(outside)).toEqual(before);
  });

  it("in the place of an adapter's files does not pass others off as them", async () => {
    const { root, outside, options } = await victim();
    const db = new Database(options.workspace.database, { readonly: true });
    const peft = db.prepare("SELECT peft_path FROM adapters").pluck().get() as string;
    db.close();
    rmSync(join(root, peft), { recursive: true });
    symlinkSync(join(outside, "peft"), join(root, peft));
    const rows = await refusal(() => exportCommand("sums-1", {}, options));
    expect(rows.message).toMatch(/not in the folder of the adapters/);
    expect(readdirSync(dirname(join(root, peft)))).toContain("adapter.gguf");
  });
});

describe("an export's folder", () => {
  it.each(["a\0b", long])("named %.20j is refused", async (output) => {
    const { root, options } = await victim();
    const before = snapshot(root);
    expect((await refusal(() => exportCommand("sums-1", { output }, options))).kind).toBe("usage");
    expect(snapshot(root)).toEqual(before);
  });

  it("that holds something is left alone, wherever it is", async () => {
    const { outside, options, before } = await victim();
    expect(
      (await refusal(() => exportCommand("sums-1", { output: "../outside" }, options))).kind,
    ).toBe("usage");
    expect(snapshot(outside)).toEqual(before);
  });
});

describe("a path from a row", () => {
  it.each([
    ["memory/adapters/a/adapter.gguf", true],
    ["a/..b/c", true],
    ["..", false],
    ["a/../../b", false],
    ["a\\..\\..\\b", false],
    ["/a", false],
    ["\\a", false],
    ["C:\\a", false],
    ["a\0b", false],
    ["", false],
    [`a/${"x".repeat(256)}`, false],
  ])("%j stays inside: %s", (path, inside) => {
    expect(staysInside(path)).toBe(inside);
  });
});

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { childScript, programFolder } from "../support/child.js";
import { sumsFile } from "../support/scripted-run.js";
import { everything, fired, folder, random } from "./harness.js";

const compiler = spawnSync("cc", ["--version"]).status === 0;
const possible = process.platform === "linux" && compiler;
if (!possible) process.stdout.write("no C compiler on Linux: I/O errors are not injected\n");

/** Every n in all; in a sample every so-many-th, from another one with each seed. */
const step = everything ? 1 : 20;

// SQLite's own calls into the C library fail, so that its own handling is what is tested.
describe.runIf(possible)("an error at the n-th input or output of the database", () => {
  it.each([
    ["EIO", 5],
    ["ENOSPC", 28],
  ])(
    "%s fails cleanly or does nothing, and the run then ends with the same rows",
    (name, errno) => {
      const where = folder();
      const [library, control] = [join(programFolder(), "faulty.so"), join(where, "control")];
      const compiled = spawnSync(
        "cc",
        ["-shared", "-fPIC", "-O1", "-o", library, "tests/faults/io/faulty.c", "-ldl"],
        { encoding: "utf8" },
      );
      expect(compiled.stderr).toBe("");
      writeFileSync(control, Buffer.alloc(32));
      sumsFile(where, 160);
      const first = 1 + (everything ? 0 : Math.floor(random() * step));
      const child = spawnSync(
        process.execPath,
        [childScript("io-error-child"), control, where, `${first}`, `${step}`, `${errno}`],
        {
          encoding: "utf8",
          env: {
            ...process.env,
            ...{ LD_PRELOAD: library, FAULTY_IO_CONTROL: control, FAULTY_IO_PATH: "redistill.db" },
          },
        },
      );
      expect(child.stderr).toBe("");
      const result = JSON.parse(child.stdout);
      fired(`9 ${name} at the n-th operation`, { times: result.fired, lost: result.losses });
      expect(result).toMatchObject({ losses: 0, unclear: [] });
      expect(result.operations).toBeGreaterThan(100);
      const planned = Math.floor((result.operations - first) / step) + 1;
      // A run beside other work gives fewer signs of life: the last operations may not come again.
      expect(result.fired).toBeGreaterThanOrEqual(planned - 2);
      expect(result.fired).toBeLessThanOrEqual(planned);
      expect(result.failures).toBeGreaterThan(0);
    },
  );
});

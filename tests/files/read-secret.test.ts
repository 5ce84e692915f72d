import { chmodSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { redact } from "../../src/core/secrets.js";
import { readSecret } from "../../src/files/read-secret.js";

const folder = mkdtempSync(join(tmpdir(), "redistill-secret-"));
const read = (source: Parameters<typeof readSecret>[0], environment: NodeJS.ProcessEnv = {}) =>
  readSecret(source, "notify.0.token", () => {}, environment);

function fileWith(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error as { kind: string; message: string; hint: string };
  }
  throw new Error("it was not refused");
};

describe("a secret", () => {
  it("comes from the environment, and is redacted from then on", () => {
    expect(read({ env: "TOKEN" }, { TOKEN: "tk_environment-1\n" })).toBe("tk_environment-1");
    expect(redact("x tk_environment-1")).toBe("x [secret]");
  });

  it("comes from a file that only its owner may read, through a link too", () => {
    const path = fileWith("private", "tk_file-12345\n");
    symlinkSync(path, join(folder, "link"));
    expect(read({ file: path })).toBe("tk_file-12345");
    expect(read({ file: join(folder, "link") })).toBe("tk_file-12345");
  });

  it.runIf(process.platform !== "win32").each([0o640, 0o604, 0o660, 0o602])(
    "in a file of mode %o is refused, with the way out",
    (mode) => {
      const path = fileWith(`open-${mode}`, "tk_open-to-others", mode);
      const { kind, message, hint } = refusal(() => read({ file: path }));
      expect(kind).toBe("usage");
      expect(message).toContain("may read");
      expect(message).not.toContain("tk_open");
      expect(hint).toContain(`chmod 600 ${path}`);
    },
  );

  it.each([
    ["that is not set", { env: "ABSENT" }, /ABSENT is not set/],
    ["that is too short", { env: "SHORT" }, /fewer than 8/],
    ["of two lines", { env: "LINES" }, /line breaks/],
    ["in a file that is not there", { file: join(folder, "none") }, /cannot read/],
    ["in a folder", { file: folder }, /may read|not a small file|EISDIR/],
    ["at a path with NUL", { file: "a\0b" }, /cannot read/],
    ["at a path that is too long", { file: "x".repeat(5_000) }, /cannot read/],
  ])("%s is refused without a word of it", (_what, source, words) => {
    const environment = { SHORT: "sec", LINES: "first-line\nx-header: yes" };
    const { kind, message, hint } = refusal(() => read(source, environment));
    expect(kind).toBe("usage");
    expect(message).toMatch(words);
    expect(`${message}${hint}`).not.toMatch(/first-line|: sec$/);
  });
});

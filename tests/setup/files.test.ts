import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeFileAtomic } from "../../src/setup/files.js";

it("writes one file twenty times at once: one of the texts is there, whole, and nothing beside it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-files-"));
  const path = join(folder, "report.md");
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(readFileSync(path, "utf8"));
  expect(readdirSync(folder)).toEqual(["report.md"]);
});

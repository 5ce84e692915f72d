import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

it("a controller commits through commitAt alone, which has failpoints around it", () => {
  const files = [
    ...["src/controller", "src/evolution"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    ),
    join("src/cli/evolutions.ts"),
    join("src/cli/commands/run.ts"),
    join("src/cli/work.ts"),
  ].filter((file) => file.endsWith(".ts") && file !== join("src/controller/commit.ts"));
  const bare = files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, index) =>
        /\.transaction\(/.test(line)
          ? [`${file}:${index + 1}: use commitAt(store, "<point>", …), so that tests can kill here`]
          : [],
      ),
  );
  expect(bare).toEqual([]);
});

it("points have names of their own", () => {
  const points = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [
      ...new Set(
        [
          ...readFileSync(join("src", name), "utf8").matchAll(/commitAt\(\s*[\w.]+,\s*([^,]+),/g),
        ].map((match) => match[1] as string),
      ),
    ]);
  expect(points.filter((point, index) => points.indexOf(point) !== index)).toEqual([]);
  expect(points.every((point) => /^["`][a-z$]/.test(point))).toBe(true);
});

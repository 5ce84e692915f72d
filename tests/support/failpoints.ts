import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stages } from "../../src/stages/index.js";

const migrations = readdirSync("memory/migrations")
  .filter((name) => /^\d{3}-.*\.sql$/.test(name))
  .map((name) => `${Number.parseInt(name, 10)}`);

/** What stands in the source where a name is made when the program runs. */
const placeholders: Record<string, readonly string[]> = {
  "${name}": stages.map(([name]) => name),
  "${migration.version}": migrations,
  "${point}": [],
};

/** Every failpoint that the source has, so that a new one cannot be forgotten in the tests. */
export function failpoints(): string[] {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
    // Those of backup, restore, gc, evolutions and studies are in tests of their own.
    .filter(
      (name) => name.endsWith(".ts") && !/^operations|^evolution|evolutions|^cli.stud/.test(name),
    )
    .map((name) => readFileSync(join("src", name), "utf8"));
  const named = (pattern: RegExp) =>
    sources.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] as string));
  const commits = named(/commitAt\(\s*[\w.]+,\s*[`"]([^`"]+)[`"]/g);
  const names = [
    ...commits.flatMap((point) => [`${point}:before`, `${point}:after`]),
    ...named(/failpoint\([`"]([^`"]+)[`"]\)/g),
  ];
  return [...new Set(names.flatMap(withNames))];
}

function withNames(name: string): string[] {
  const placeholder = /\$\{[^}]+\}/.exec(name)?.[0];
  if (placeholder === undefined) return [name];
  const values = placeholders[placeholder];
  if (values === undefined) throw new Error(`tests/support/failpoints.ts: what is ${placeholder}?`);
  return values.flatMap((value) => withNames(name.replace(placeholder, value)));
}

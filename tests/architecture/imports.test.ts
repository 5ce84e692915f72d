import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** Our own folders that a folder of src may import, itself always included. */
const allowed: Record<string, readonly string[]> = {
  core: [],
  stats: ["core"],
  verifiers: ["core"],
  models: ["core"],
  store: ["core"],
  setup: ["core"],
  training: ["core"],
  files: ["core"],
  notify: ["core"],
  prompts: ["core", "files"],
  recipes: ["core", "files"],
  sources: ["core", "files"],
  stages: ["core", "clusters", "stats", "verifiers"],
  report: ["core", "stats", "store"],
  health: ["core", "stats"],
  clusters: ["core", "stats", "verifiers"],
  schedule: ["core"],
  policy: ["core", "stats"],
  controller: ["core", "health", "policy", "stages", "stats", "store", "notify", "schedule"],
  operations: ["core", "setup", "store"],
  evolution: [
    ...["core", "controller", "files", "prompts", "recipes", "report", "stages", "stats", "store"],
  ],
  // A study's report is shown by what shows a run's: its texts, tables, page and plots.
  studies: ["core", "files", "recipes", "report", "stats", "store"],
};

/** Packages that one folder alone may import. */
const owners: Record<string, string> = {
  "better-sqlite3": "store",
  "node-llama-cpp": "models",
  langchain: "models",
  "@langchain/core": "models",
  "@langchain/openai": "models",
  ollama: "models",
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join("src", name));

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from\s+|import\(\s*)"([^"]+)"/g)].map((match) => match[1] as string);
}

/** "src/core/hash.ts" of "../core/hash.js". */
function target(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier)).replace(/\.js$/, ".ts");
}

const folderOf = (file: string) => relative("src", file).split("/")[0] as string;

describe("imports", () => {
  it("go one way", () => {
    const wrong = files.flatMap((file) => {
      const folder = folderOf(file);
      const may = allowed[folder];
      if (may === undefined) return [];
      return importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => folderOf(target(file, specifier)))
        .filter((other) => other !== folder && !may.includes(other))
        .map((other) => `${file} imports ${other}`);
    });
    expect(wrong).toEqual([]);
  });

  it("of a seam's package are in one folder", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => {
          const name = specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/");
          return owners[name] !== undefined && owners[name] !== folderOf(file);
        })
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("leave core without I/O and with zod alone", () => {
    const wrong = files
      .filter((file) => folderOf(file) === "core")
      .flatMap((file) =>
        importsOf(file)
          .filter((s) => !s.startsWith(".") && s !== "zod" && s !== "node:crypto")
          .map((s) => `${file} imports ${s}`),
      );
    expect(wrong).toEqual([]);
  });

  it("have no cycle", () => {
    const edges = new Map(
      files.map((file) => [
        file,
        importsOf(file)
          .filter((s) => s.startsWith("."))
          .map((s) => target(file, s)),
      ]),
    );
    const finished = new Set<string>();
    const visit = (file: string, path: readonly string[]): string[] => {
      if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(" → ")];
      if (finished.has(file)) return [];
      const found = (edges.get(file) ?? []).flatMap((next) => visit(next, [...path, file]));
      finished.add(file);
      return found;
    };
    expect(files.flatMap((file) => visit(file, []))).toEqual([]);
  });

  it("let a stage import no other stage, but what they share", () => {
    const wrong = files
      .filter((file) => /^src\/stages\/[a-z]+\.ts$/.test(file) && !/(index|types)\.ts$/.test(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((s) => s.startsWith("./") && !s.startsWith("./support/") && s !== "./types.js")
          .map((s) => `${file} imports ${s}`),
      );
    expect(wrong).toEqual([]);
  });
});

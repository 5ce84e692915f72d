import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { initCommand } from "../../src/cli/commands/init.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { modelSchema } from "../../src/core/model.js";
import { recipeSchema } from "../../src/core/recipe.js";
import { retrainSchema } from "../../src/core/retrain.js";
import { loadRecipe, parseRecipe } from "../../src/recipes/load.js";
import { recipeTemplate } from "../../src/recipes/template.js";
import { recordingOutput, temporaryFolder } from "./support.js";

/** The template with the parts turned on that are off by default. */
const complete = recipeTemplate.replace(/^#(?=(?: {2})*(?:- )?[a-z][A-Za-z]*:)/gm, "");

/** Every key below a schema, as `generate.topP`, and every word that a value may be. */
function namesOf(schema: z.ZodType, path: string[] = []): { keys: string[]; words: string[] } {
  const all = (parts: { keys: string[]; words: string[] }[]) => ({
    keys: parts.flatMap(({ keys }) => keys),
    words: parts.flatMap(({ words }) => words),
  });
  if (schema instanceof z.ZodUnion) {
    return all(schema.options.map((option) => namesOf(option as z.ZodType, path)));
  }
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional
  ) {
    return namesOf(schema.unwrap() as z.ZodType, path);
  }
  if (schema instanceof z.ZodPipe) return namesOf(schema.in as z.ZodType, path);
  if (schema instanceof z.ZodArray) return namesOf(schema.element as z.ZodType, path);
  if (schema instanceof z.ZodObject) {
    const inner = Object.entries(schema.shape);
    return all(inner.map(([key, value]) => namesOf(value as z.ZodType, [...path, key])));
  }
  const words =
    schema instanceof z.ZodEnum
      ? schema.options
      : schema instanceof z.ZodLiteral
        ? [...schema.values]
        : [];
  return { keys: [path.join(".")], words: words.map(String) };
}

/** Keys of the template's text; it has `tasks` twice, once for each source. */
function keysIn(text: string): Set<string> {
  const keys = new Set<string>();
  const walk = (value: unknown, path: string[]): void => {
    keys.add(path.join("."));
    if (Array.isArray(value)) for (const item of value) walk(item, path);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return;
    for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  const [first, second] = text.split(/^(?=tasks:\n {2}source: jsonl)/m);
  const block = second!.split("\n\n")[0]!;
  walk(parse(first! + second!.slice(block.length)), []);
  walk(parse(block), []);
  return keys;
}

/** The lines that show a served model. */
function servedIn(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/^# {3}(\{provider: .*\})$/gm)].map(([, flow]) => parse(flow as string));
}

/** The lines that show a training method. */
function methodsIn(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/^# {3}(\{method: [^}]*\})/gm)].map(([, flow]) => parse(flow as string));
}

/** The line that shows several retention suites. */
function suitesIn(text: string): { margin: number; suites: Record<string, unknown>[] } {
  return parse(/^# {3}(\{.*suites: .*\})$/m.exec(text)![1]!);
}

describe("the recipe that init writes", () => {
  it("parses as it is, with the schema's defaults", () => {
    const path = join(temporaryFolder(), "recipe.yaml");
    writeFileSync(path, recipeTemplate);
    const recipe = loadRecipe(path);
    const { name, rounds, tasks } = recipe;
    expect(recipe).toEqual(recipeSchema.parse({ name, rounds, tasks }));
  });

  it("has every key of the schema, and every word that a setting may be", () => {
    const present = keysIn(complete);
    const { keys, words } = namesOf(recipeSchema);
    // Settings of verifiers and embedders stand in lists of them, which are comments, and so do places of secrets.
    const own = [...methodsIn(recipeTemplate)].flatMap((method) => Object.keys(method));
    for (const key of own) present.add(`retrain.${key}`);
    for (const model of servedIn(recipeTemplate)) {
      for (const key of Object.keys(model)) present.add(`model.${key}`);
    }
    for (const key of Object.keys(Object.assign({}, ...suitesIn(recipeTemplate).suites))) {
      present.add(`retention.suites.${key}`);
    }
    const absent = keys.filter(
      (key) =>
        !present.has(key) &&
        !/^tasks\.verifier\.|^longTerm\.embedder\.|\.(url|token|apiKey)\.|^roles\.[a-z]+\./.test(
          key,
        ),
    );
    expect(absent).toEqual([]);
    const inList = keys.map(
      (key) => /^(?:tasks\.verifier|longTerm\.embedder)\.([^.]+)/.exec(key)?.[1] ?? "tasks",
    );
    const missing = [...inList, ...words].filter((word) => !recipeTemplate.includes(word));
    expect(missing).toEqual([]);
  });

  it("has every provider with its defaults", () => {
    const served = servedIn(recipeTemplate);
    for (const model of served) expect(modelSchema.parse(model)).toEqual(model);
    expect(served.length).toBe(modelSchema.options.length - 1);
  });

  it("has every training method with its defaults", () => {
    const methods = methodsIn(recipeTemplate);
    const { words } = namesOf(retrainSchema);
    for (const method of methods) expect(retrainSchema.parse(method)).toMatchObject(method);
    const shared = Object.keys(retrainSchema.parse({ method: "sft" }));
    for (const method of methods) {
      const { method: name } = method as { method: string };
      const every = Object.keys(retrainSchema.parse({ method: name }));
      const own = every.filter((key) => !shared.includes(key));
      const common = every.filter((key) => ["learningRate", "method"].includes(key));
      expect(Object.keys(method).sort()).toEqual([...own, ...common].sort());
      expect(words).toContain(name);
    }
    expect(methods.length).toBe(retrainSchema.in.options.length - 1);
  });

  it("parses with its optional parts on, each with its defaults", () => {
    const generated = complete.replace(/^tasks:\n {2}source: jsonl\n(?: {2}.*\n)*/m, "");
    const recipe = parseRecipe(generated, "template");
    const { name, rounds, tasks } = recipe;
    const bare = recipeSchema.parse({
      ...{ name, rounds, tasks },
      retention: { path: recipe.retention!.path },
      critique: { prompt: "locate-error" },
      refine: { prompt: "rewrite" },
      examine: {},
      clusters: {},
      judge: {},
      curate: { replay: { path: recipe.curate.replay!.path } },
      notify: recipe.notify.map(({ kind, url }) => ({ kind, url })),
      stop: {},
      policy: { kind: "coach" },
      roles: { teacher: {}, critic: {}, judge: {}, coach: {} },
      memory: {},
      longTerm: {},
      schedule: { windows: recipe.schedule!.windows },
      trainer: { executor: "ray", sharedFolder: "/mnt/shared/redistill" },
    });
    expect(recipe).toEqual(bare);
    const several = { name, rounds, tasks, retention: suitesIn(recipeTemplate) };
    expect(recipeSchema.parse(several).retention).toMatchObject(several.retention);
    const own = complete.replace(/^tasks:\n {2}source: reasoning_gym.*\n(?: {2}.*\n)*/m, "");
    expect(parseRecipe(own, "template").tasks.source).toBe("jsonl");
  });
});

describe("redistill init", () => {
  const options = () => ({ workspace: workspaceAt(temporaryFolder()), output: recordingOutput() });

  it("writes it once, and again only when told to", () => {
    const shared = options();
    initCommand(undefined, {}, shared);
    expect(() => initCommand(undefined, {}, shared)).toThrow(/exists already/);
    initCommand(undefined, { force: true }, shared);
    expect(loadRecipe(join(shared.workspace.root, "recipe.yaml")).name).toBe("my-recipe");
  });

  it("makes folders, and takes a folder for the place", () => {
    const shared = options();
    initCommand("a/b.yaml", {}, shared);
    initCommand("a", {}, shared);
    expect(shared.output.lines).toContain("Edit it, then: redistill run a/recipe.yaml");
  });
});

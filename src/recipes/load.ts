import { dirname, isAbsolute, resolve } from "node:path";
import { type Document, isMap, isNode, isPair, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import type { EmbedderSettings } from "../core/embedder.js";
import { messageOf, RedistillError } from "../core/errors.js";
import type { ModelSettings } from "../core/model.js";
import { nearest } from "../core/nearest.js";
import { contradictions, type Recipe, recipeSchema } from "../core/recipe.js";
import { withPaths } from "../core/retention.js";
import type { SecretSource } from "../core/secrets.js";
import { readTextFile } from "../files/read-text.js";
import { keysAt } from "./schema-keys.js";

type Path = readonly (string | number)[];

/**
 * Reads a recipe. Paths in it are relative to its own folder and come back absolute.
 *
 * @throws RedistillError `usage` with the line and, for a mistyped key, the nearest valid one.
 */
export function loadRecipe(path: string): Recipe {
  const recipe = parseRecipe(readTextFile(path, "recipe"), path);
  return withAbsolutePaths(recipe, dirname(resolve(path)));
}

/** A recipe from its text; `where` names the file in errors. */
export function parseRecipe(text: string, where: string): Recipe {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const broken = document.errors[0];
  if (broken) {
    const line = broken.linePos?.[0].line ?? 1;
    throw bad(
      where,
      line,
      `not YAML: ${broken.message.split("\n")[0]}`,
      "Check the indentation and quotes near that line.",
    );
  }
  const parsed = recipeSchema.safeParse(plainValue(document, where));
  const lineAt = (at: Path, key?: string) => lineOf(document, lines, at, key);
  if (!parsed.success) throw explain(parsed.error.issues, where, lineAt);
  const [wrong] = contradictions(parsed.data);
  if (wrong) {
    throw bad(
      where,
      lineAt(wrong.path),
      `${wrong.path.join(".")}: ${wrong.message}`,
      "Change one of the two settings.",
    );
  }
  return parsed.data;
}

/** Aliases that unfold to more than a recipe can hold are refused by the YAML library. */
function plainValue(document: Document, where: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    throw bad(
      where,
      1,
      `not usable YAML: ${messageOf(cause)}`,
      "Write the values out without aliases.",
    );
  }
}

function explain(
  issues: readonly z.core.$ZodIssue[],
  where: string,
  lineAt: (path: Path, key?: string) => number,
): RedistillError {
  const issue = issues[0] as z.core.$ZodIssue;
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] as string;
    const known = keysAt(recipeSchema, path);
    const close = nearest(key, known);
    const full = [...path, key].join(".");
    return bad(
      where,
      lineAt(path, key),
      `unknown key ${full}`,
      `${close ? `Did you mean ${[...path, close].join(".")}? ` : ""}Keys here: ${known.join(", ")}.`,
    );
  }
  return bad(
    where,
    lineAt(path),
    // zod lists the default of a key that tells alternatives apart as 'undefined'.
    `${path.join(".") || "the recipe"}: ${issue.message.replace(" | 'undefined'", "")}`,
    "runs/recipes has examples; `redistill init` writes every key with a comment.",
  );
}

/** The line on which a value, or a key of the map at a path, stands; its nearest parent's if absent. */
function lineOf(document: Document, lines: LineCounter, path: Path, key?: string): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (!isNode(node) || !node.range) continue;
    if (key !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === key);
      if (pair && isNode(pair.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
    }
    return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function bad(where: string, line: number, what: string, hint: string): RedistillError {
  return new RedistillError("usage", `${where}, line ${line}: ${what}`, hint);
}

function secretFrom(source: SecretSource, from: (path: string) => string): SecretSource {
  return "file" in source ? { file: from(source.file) } : source;
}

function trainerFrom(
  trainer: Recipe["trainer"],
  from: (path: string) => string,
): Recipe["trainer"] {
  if (trainer.executor === "local") return trainer;
  const { sharedFolder, token } = trainer;
  return { ...trainer, sharedFolder: from(sharedFolder), token: token && secretFrom(token, from) };
}

function modelFrom(model: ModelSettings, from: (path: string) => string): ModelSettings {
  const weightsAt = (path: string) => (path === "default" ? path : from(path));
  if (model.provider === "embedded") return { ...model, path: weightsAt(model.path) };
  const placed = { ...model, weights: model.weights && weightsAt(model.weights) };
  if (!("apiKey" in placed)) return placed;
  return { ...placed, apiKey: placed.apiKey && secretFrom(placed.apiKey, from) };
}

function embedderFrom(
  embedder: EmbedderSettings | null,
  from: (path: string) => string,
): EmbedderSettings | null {
  if (embedder?.provider !== "openai") return embedder;
  return { ...embedder, apiKey: embedder.apiKey && secretFrom(embedder.apiKey, from) };
}

/** The same recipe with its relative paths taken from a folder; absolute ones stay. */
export function withAbsolutePaths(recipe: Recipe, folder: string): Recipe {
  const from = (path: string) => (isAbsolute(path) ? path : resolve(folder, path));
  const { replay } = recipe.curate;
  return {
    ...recipe,
    model: modelFrom(recipe.model, from),
    roles: Object.fromEntries(
      Object.entries(recipe.roles).flatMap(([role, model]) =>
        model === undefined ? [] : [[role, modelFrom(model, from)]],
      ),
    ),
    tasks:
      recipe.tasks.source === "jsonl"
        ? { ...recipe.tasks, path: from(recipe.tasks.path) }
        : recipe.tasks,
    retention: recipe.retention && withPaths(recipe.retention, from),
    curate: { ...recipe.curate, replay: replay && { ...replay, path: from(replay.path) } },
    longTerm: recipe.longTerm && {
      ...recipe.longTerm,
      embedder: embedderFrom(recipe.longTerm.embedder, from),
    },
    notify: recipe.notify.map((channel) => ({
      ...channel,
      url: typeof channel.url === "string" ? channel.url : secretFrom(channel.url, from),
      token: channel.token && secretFrom(channel.token, from),
    })),
    trainer: trainerFrom(recipe.trainer, from),
  };
}

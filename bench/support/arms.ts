import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { loadRecipe } from "../../src/recipes/load.js";

/** Settings of a recipe by dotted path, for example `elicit.tasksPerRound`; a value replaces what was there. */
const settings = z.record(z.string(), z.unknown());
const shape = z.strictObject({
  recipe: z.string(),
  all: settings,
  arms: z.record(z.string(), settings.nullable()),
});

export interface Arm {
  readonly name: string;
  /** A whole recipe, its paths absolute. */
  readonly recipe: Record<string, unknown>;
}

/** The arms of a file such as bench/equal-time/orders.yaml: one recipe with different settings. */
export function readArms(path: string, extra: Readonly<Record<string, unknown>> = {}): Arm[] {
  const { recipe, all, arms } = shape.parse(parse(readFileSync(path, "utf8")));
  const base = loadRecipe(resolve(dirname(path), recipe));
  return Object.entries(arms).map(([name, own]) => {
    const changed = structuredClone(base) as unknown as Record<string, unknown>;
    for (const each of [all, extra, own ?? {}]) {
      for (const [key, value] of Object.entries(each)) assign(changed, key.split("."), value);
    }
    return { name, recipe: { ...changed, name } };
  });
}

function assign(target: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (key === undefined) return;
  if (rest.length === 0) target[key] = value;
  else {
    const inner = (target[key] ?? {}) as Record<string, unknown>;
    target[key] = inner;
    assign(inner, rest, value);
  }
}

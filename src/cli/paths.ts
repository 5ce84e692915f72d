import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the installed package: what ships with it is found from here. */
const packageRoot = resolve(fileURLToPath(import.meta.url), "../../..");

export const packagedPrompts = join(packageRoot, "prompts");
export const migrationsDirectory = join(packageRoot, "memory", "migrations");
export const trainerDirectory = join(packageRoot, "trainer");
export const defaultRecipe = join(packageRoot, "runs", "recipes", "quickstart.yaml");

/** The version in package.json. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")).version;
}

/** Where a user's runs live: the current folder, unless --database names another place. */
export interface Workspace {
  readonly root: string;
  readonly database: string;
  readonly adapters: string;
  readonly logs: string;
}

export function workspaceAt(root: string, database?: string): Workspace {
  const memory = join(root, "memory");
  return {
    root,
    database: database ? resolve(root, database) : join(memory, "redistill.db"),
    adapters: join(memory, "adapters"),
    logs: join(memory, "logs"),
  };
}

import { lstatSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { RedistillError } from "../core/errors.js";

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

/**
 * Where a run's files go.
 *
 * @throws RedistillError `usage` when a link leads elsewhere.
 */
export function runFolderAt(workspace: Workspace, folder: string): string {
  const path = join(workspace.root, folder);
  refuseLink(path, "a run's files stay in its own folder");
  return path;
}

/** Refuses a path at which there is a symbolic link: what is written there would land elsewhere. */
export function refuseLink(path: string, why: string): void {
  if (!isLink(path)) return;
  throw new RedistillError(
    "usage",
    `${path} is a symbolic link; ${why}`,
    "Remove the link, or put a folder in its place. Nothing was written.",
  );
}

/** What cannot be looked at is no link; whoever uses the path says what is wrong with it. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

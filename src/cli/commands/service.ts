import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { RedistillError } from "../../core/errors.js";
import type { Recipe } from "../../core/recipe.js";
import { loadRecipe } from "../../recipes/load.js";
import { writeFileAtomic } from "../../setup/files.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { launchdAgent, type Service, systemdUnit } from "../service-files.js";

interface ServiceFlags {
  readonly systemd?: boolean;
  readonly launchd?: boolean;
  readonly print?: boolean;
}

interface ServiceOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  /** `--database` of the command line. */
  readonly database?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** Variables that decide what a run finds; a service manager passes none of its user's on. */
const passedOn = ["PATH", "REDISTILL_CACHE", "REDISTILL_PYTHON", "XDG_CACHE_HOME"];

/** `redistill service <recipe>`: a file by which systemd or launchd works through the recipe. */
export async function serviceCommand(
  recipePath: string,
  flags: ServiceFlags,
  options: ServiceOptions,
): Promise<void> {
  const { workspace, output } = options;
  const recipe = loadRecipe(recipePath);
  const service = serviceOf(recipe.name, recipePath, options);
  const systemd = managerOf(flags) === "systemd";
  const absent = secretVariables(recipe);
  if (absent.length > 0) {
    output.note(
      `The recipe takes ${absent.join(", ")} from the environment, which a service does not have. Keep them in files, { file: path }, or give the service these variables.`,
    );
  }
  const text = systemd ? systemdUnit(service) : launchdAgent(service);
  const name = systemd ? `redistill-${service.name}.service` : `redistill.${service.name}.plist`;
  const path = join(workspace.root, name);
  output.result({ kind: "service", path: flags.print ? null : path, text });
  if (flags.print) {
    output.line(text.trimEnd());
    return;
  }
  // launchd opens the log before it starts anything.
  if (!systemd) mkdirSync(workspace.logs, { recursive: true });
  await writeFileAtomic(path, text);
  output.line(
    `Written to ${name}. It works through the recipe once, in the windows of its schedule.`,
  );
  const install = systemd
    ? [
        `systemctl --user enable --now '${path}'`,
        "loginctl enable-linger   # goes on when you log out",
      ]
    : [`launchctl bootstrap gui/$(id -u) '${path}'`];
  output.line(["Install it:", ...install.map((line) => `  ${line}`)].join("\n"));
}

function managerOf({ systemd, launchd }: ServiceFlags): "systemd" | "launchd" {
  if (systemd !== launchd) return systemd ? "systemd" : "launchd";
  if (!systemd && process.platform === "linux") return "systemd";
  if (!systemd && process.platform === "darwin") return "launchd";
  throw new RedistillError(
    "usage",
    systemd ? "--systemd and --launchd exclude each other" : "no service manager is known here",
    "Give one of --systemd and --launchd.",
  );
}

/** Variables that the recipe's channels take their secrets from. */
function secretVariables({ notify }: Recipe): string[] {
  const sources = notify.flatMap(({ url, token }) => [url, token]);
  const names = sources.flatMap((source) =>
    source !== null && typeof source === "object" && "env" in source ? [source.env] : [],
  );
  return [...new Set(names)];
}

function serviceOf(name: string, recipePath: string, options: ServiceOptions): Service {
  const { workspace, database, env = process.env } = options;
  const main = resolve(process.argv[1] as string);
  const elsewhere = database === undefined ? [] : ["--database", workspace.database];
  const command = [process.execPath, main, ...elsewhere, "run", resolve(recipePath), "--once"];
  const environment = Object.fromEntries(
    passedOn.flatMap((key) => (env[key] ? [[key, env[key]]] : [])),
  );
  const service = { name, folder: workspace.root, command, environment };
  // Neither file format has a way to write a line break or the like.
  const odd = [service.folder, ...command, ...Object.values(environment)].find((text) =>
    /\p{Cc}/u.test(text),
  );
  if (odd === undefined) return service;
  throw new RedistillError(
    "usage",
    `a service file cannot name ${JSON.stringify(odd)}: it holds a control character`,
    "Rename that folder or file.",
  );
}

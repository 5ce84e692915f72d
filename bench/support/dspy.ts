import { existsSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { RedistillError } from "../../src/core/errors.js";
import { sha256 } from "../../src/core/hash.js";
import { cacheDirectory } from "../../src/setup/cache-directory.js";
import { findPython, findUv } from "../../src/setup/python.js";
import { runTool } from "../../src/setup/run-tool.js";
import { pythonIn } from "../../src/setup/trainer-install.js";

const requirement = "dspy==3.4.1";

/**
 * The Python of an environment of the cache with DSPy in it, made once.
 *
 * @throws RedistillError `setup` where it cannot be installed.
 */
export async function ensureDspy(signal: AbortSignal): Promise<string> {
  const hasUv = (await findUv({ signal })) !== null;
  const python = await findPython({ signal, needsVenv: !hasUv });
  const home = join(cacheDirectory(), "bench");
  const name = `dspy-${sha256([requirement, python.version, python.machine]).slice(0, 12)}`;
  const folder = join(home, name);
  const ready = join(folder, "ready");
  if (existsSync(ready)) return pythonIn(folder);
  // Environments hold their own path, so that this one is made where it stays.
  rmSync(folder, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  console.error(`installing ${requirement} (once)`);
  if (hasUv) {
    await run("uv", ["venv", "--quiet", "--python", python.path, folder], signal);
    const into = ["pip", "install", "--quiet", "--python", pythonIn(folder), requirement];
    await run("uv", into, signal);
  } else {
    await run(python.path, ["-m", "venv", folder], signal);
    const pip = ["-m", "pip", "install", "--quiet", "--no-input", requirement];
    await run(pythonIn(folder), pip, signal);
  }
  writeFileSync(ready, "");
  return pythonIn(folder);
}

async function run(command: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const { exitCode, tail } = await runTool(command, args, { signal });
  if (exitCode === 0) return;
  // An index address in the output may hold a password.
  const said = tail
    .slice(-3)
    .join(" ")
    .replace(/https?:\/\/\S+/g, "<address>");
  throw new RedistillError(
    "setup",
    `${requirement} could not be installed: ${said}`,
    "Leave it out with --only trl-grpo,rejection-sampling, or see that pip can install it.",
  );
}

// A real Ollama for the tests, built once from its Go module into the cache folder.
// By hand: `npm run build && node tests/ollama/build.mjs`.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheDirectory } from "../../dist/setup/cache-directory.js";
import { withLock } from "../../dist/setup/lock.js";
import { findPython } from "../../dist/setup/python.js";
import { runTool } from "../../dist/setup/run-tool.js";

/** Takes LoRA adapters, as versions before 0.34.1 do; the other way, merging, is tested with it, too. */
export const ollamaVersion = "0.17.4";

/** A header that the module's archive leaves out, from the Python package that carries it. */
const miniaudio = {
  requirement: "miniaudio==1.61",
  archive: "miniaudio-1.61.tar.gz",
  entry: "miniaudio-1.61/miniaudio/miniaudio.h",
  sha256: "e88e97837d031f0fb6982394218b6487de02eaa382ad273b8fca37791a2b4b15",
};

const packages = {
  go: "https://go.dev/dl, or Debian's golang-go (1.24 or newer)",
  "g++": "Debian's g++, or Xcode's command line tools",
  "nlohmann/json.hpp": "Debian's nlohmann-json3-dev",
  "stb/stb_image.h": "Debian's libstb-dev",
};

/** Path of the binary. The first call takes about ten minutes of two cores; says so to `say`. */
export async function ensureOllama(say = (text) => process.stderr.write(`[ollama] ${text}\n`)) {
  const folder = join(cacheDirectory(), "ollama", ollamaVersion);
  const binary = join(folder, "ollama");
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  return withLock(join(folder, "build.lock"), {}, async () => {
    if (existsSync(binary)) return binary;
    refuseIfMissing();
    const headers = await fetchMiniaudio(folder);
    say(`building Ollama ${ollamaVersion}, once: about ten minutes`);
    const building = join(folder, "building");
    rmSync(building, { recursive: true, force: true });
    await run("go", ["install", `github.com/ollama/ollama@v${ollamaVersion}`], {
      CGO_ENABLED: "1",
      CGO_CFLAGS: "-O2",
      CGO_CXXFLAGS: `-O2 -I${headers}`,
      GOBIN: building,
      GOFLAGS: `-ldflags=-X=github.com/ollama/ollama/version.Version=${ollamaVersion}`,
    });
    renameSync(join(building, "ollama"), binary);
    rmSync(building, { recursive: true });
    return binary;
  });
}

function refuseIfMissing() {
  const missing = [
    ...["go", "g++"].filter((tool) => spawnSync(tool, ["version"]).error !== undefined),
    ...["nlohmann/json.hpp", "stb/stb_image.h"].filter((header) => !hasHeader(header)),
  ];
  if (missing.length === 0) return;
  const lines = missing.map((name) => `  ${name}: ${packages[name]}`);
  throw new Error(
    `The tests of Ollama build a real one, and this is missing:\n${lines.join("\n")}\nOn Debian: apt-get install golang-go g++ nlohmann-json3-dev libstb-dev`,
  );
}

function hasHeader(header) {
  const input = `#include <${header}>\n`;
  return (
    spawnSync("g++", ["-x", "c++", "-E", "-"], { input, stdio: ["pipe", "ignore", "ignore"] })
      .status === 0
  );
}

/** Folder for -I. */
async function fetchMiniaudio(folder) {
  const headers = join(folder, "headers");
  if (existsSync(join(headers, "miniaudio", "miniaudio.h"))) return headers;
  const python = await findPython({ needsVenv: false });
  const flags = ["--no-deps", "--no-binary", ":all:", "--quiet", "--dest", folder];
  await run(python.path, ["-m", "pip", "download", ...flags, miniaudio.requirement]);
  const archive = join(folder, miniaudio.archive);
  const sha256 = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (sha256 !== miniaudio.sha256) throw new Error(`${archive} has the sha256 ${sha256}`);
  mkdirSync(headers, { recursive: true });
  await run("tar", ["-xzf", archive, "-C", headers, "--strip-components=1", miniaudio.entry]);
  return headers;
}

async function run(command, args, env = {}) {
  const options = { env: { ...process.env, ...env }, timeoutMs: 45 * 60_000 };
  const { exitCode, tail } = await runTool(command, args, options);
  if (exitCode === 0) return;
  throw new Error(`${command} ${args.join(" ")} failed:\n${tail.slice(-15).join("\n")}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.stdout.write(`${await ensureOllama()}\n`);
}

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { findPython, type Python } from "../../src/setup/python.js";
import { runTool } from "../../src/setup/run-tool.js";
import {
  ensureTrainerEnvironment,
  findTrainerEnvironment,
} from "../../src/setup/trainer-environment.js";
import { installError } from "../../src/setup/trainer-install.js";
import { sha256Of, temporaryDirectory, testPython } from "./helpers.js";

let python: Python;
beforeAll(async () => {
  python = await findPython({ env: { ...process.env, REDISTILL_PYTHON: testPython() } });
});

const makeWheel = `
import sys, zipfile
path, name = sys.argv[1:]
info = f"{name}-1.0.dist-info/"
with zipfile.ZipFile(path, "w") as z:
    z.writestr(f"{name}.py", "value = 1\\n")
    z.writestr(info + "METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
    z.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr(info + "RECORD", "")
`;

/** A trainer folder whose lock names two tiny packages, and pip settings that find only these. */
async function fixture(changeHash = false) {
  const directory = await temporaryDirectory();
  const wheels = join(directory, "wheels");
  await mkdir(wheels);
  const entries: string[] = [];
  for (const name of ["tinyone", "torch"]) {
    const path = join(wheels, `${name}-1.0-py3-none-any.whl`);
    await runTool(python.path, ["-c", makeWheel, path, name]);
    const hash = changeHash ? "0".repeat(64) : sha256Of(await readFile(path));
    entries.push(`${name}==1.0 ; python_full_version >= '3.10' \\\n    --hash=sha256:${hash}`);
  }
  entries.push(
    `nvidia-none==1.0 ; python_full_version < '3.0' \\\n    --hash=sha256:${"1".repeat(64)}`,
  );
  await writeFile(join(directory, "requirements.lock"), `${entries.join("\n    # via x\n")}\n`);
  const path = join(directory, "no-tools");
  const env = { PATH: path, PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels, HOME: directory };
  return { trainerDirectory: directory, cache: join(directory, "cache"), env, python, wheels };
}

test("builds the environment once, and continues one that was interrupted", async () => {
  const options = await fixture();
  const messages: string[] = [];
  const onProgress = ({ message }: { message: string }) => messages.push(message);
  const environment = await ensureTrainerEnvironment({ ...options, onProgress });
  const check = await runTool(environment, ["-c", "import tinyone, torch; print(torch.value)"]);
  expect(check.stdout.trim()).toBe("1");
  expect(messages.some((message) => message.startsWith("installing torch…"))).toBe(true);
  expect(await findTrainerEnvironment(options)).toBe(environment);
  const folder = join(environment, "..", "..");
  const ready = JSON.parse(await readFile(join(folder, "ready.json"), "utf8"));
  expect(ready).toMatchObject({ packages: { tinyone: "1.0", torch: "1.0" }, installer: "pip" });
  expect(await readdir(join(folder, ".."))).toHaveLength(1);

  await rm(options.wheels, { recursive: true });
  expect(await ensureTrainerEnvironment(options)).toBe(environment);
  // Without the marker, and one package gone, as after a crash; the wheels are away.
  await rm(join(folder, "ready.json"));
  expect(await findTrainerEnvironment(options)).toBeNull();
  expect(await ensureTrainerEnvironment(options)).toBe(environment);
  expect(existsSync(join(folder, "ready.json"))).toBe(true);
}, 120_000);

test("two at once build it once", async () => {
  const options = await fixture();
  let waits = 0;
  const onProgress = ({ phase }: { phase: string }) => {
    if (phase === "waiting") waits++;
  };
  const both = [options, options].map((each) => ensureTrainerEnvironment({ ...each, onProgress }));
  const [one, other] = await Promise.all(both);
  expect(one).toBe(other);
  expect(waits).toBe(1);
}, 120_000);

test("a wrong hash is refused with the installer's own words", async () => {
  const failing = ensureTrainerEnvironment(await fixture(true));
  await expect(failing).rejects.toMatchObject({ kind: "setup" });
  await expect(failing).rejects.toThrow(/pip ended with exit code 1[\s\S]*DO NOT MATCH/);
}, 120_000);

test("an abort ends the installation and frees the lock", async () => {
  const options = await fixture();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  await expect(
    ensureTrainerEnvironment({ ...options, signal: controller.signal }),
  ).rejects.toThrow();
  const left = await readdir(join(options.cache, "trainer"));
  expect(left.filter((name) => name.endsWith(".lock"))).toEqual([]);
}, 60_000);

test("says what is missing: the lock file, the network, the disk", async () => {
  const options = await fixture();
  await rm(join(options.trainerDirectory, "requirements.lock"));
  await expect(ensureTrainerEnvironment(options)).rejects.toThrow(/requirements\.lock/);

  const fail = (line: string, useUv = false) =>
    installError({ folder: "/e", useUv, env: {} }, "install torch", { exitCode: 1, tail: [line] });
  expect(fail("Failed to establish a new connection: [Errno -2]").hint).toMatch(/network/);
  expect(fail("error: dns error: failed to lookup", true).message).toMatch(/^uv ended/);
  expect(fail("OSError: [Errno 28] No space left on device")).toMatchObject({ kind: "storage" });
  expect(fail("Looking in https://ada:secret@mirror/simple").message).not.toContain("secret");
});

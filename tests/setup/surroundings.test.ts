import { chmod, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cacheDirectory } from "../../src/setup/cache-directory.js";
import { formatBytes, formatElapsed, requireFreeSpace } from "../../src/setup/files.js";
import { createOutputReader } from "../../src/setup/install-progress.js";
import { resolveWheelUrl } from "../../src/setup/package-url.js";
import { findPython, findUv } from "../../src/setup/python.js";
import {
  isCudaOnly,
  parseRequirements,
  pinnedVersion,
  portions,
  withoutHashes,
} from "../../src/setup/requirements.js";
import { temporaryDirectory, testPython } from "./helpers.js";

test.each([
  [{ REDISTILL_CACHE: "/big/disk", XDG_CACHE_HOME: "/x" }, "linux", "/big/disk"],
  [{ XDG_CACHE_HOME: "/x" }, "linux", "/x/redistill"],
  [{ XDG_CACHE_HOME: "relative" }, "linux", "/home/ada/.cache/redistill"],
  [{}, "darwin", "/home/ada/Library/Caches/redistill"],
  [{ LOCALAPPDATA: "C:\\Local" }, "win32", "C:\\Local\\redistill\\cache"],
] as const)("the cache with %j on %s is %s", (env, platform, expected) => {
  expect(cacheDirectory({ env, platform, home: "/home/ada" })).toBe(expected);
});

const lock = `# made by uv
nvidia-x==13.0 ; python_full_version < '3.11' and sys_platform == 'linux' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via torch
plain==1.0 --hash=sha256:cc
torch==2.14.1 ; python_full_version < '3.11' \\
    --hash=sha256:dd
torch==2.15.0 ; python_full_version >= '3.11' \\
    --hash=sha256:ee
numpy==2.4.6 ; python_full_version == '3.11.*' \\
    --hash=sha256:ff
`;

test("reads a lock file", () => {
  const parsed = parseRequirements(lock);
  expect(parsed.map(({ name, version }) => `${name} ${version}`)).toEqual([
    ...["nvidia-x 13.0", "plain 1.0", "torch 2.14.1", "torch 2.15.0", "numpy 2.4.6"],
  ]);
  expect(parsed.filter(isCudaOnly).map(({ name }) => name)).toEqual(["nvidia-x"]);
  expect(parsed[0]?.text).toContain("--hash=sha256:bb");
  expect(parsed.map(withoutHashes).join()).not.toContain("hash");
  expect(withoutHashes(parsed[2]!)).toBe("torch==2.14.1 ; python_full_version < '3.11'");
  expect(pinnedVersion(parsed, "torch", "3.10")).toBe("2.14.1");
  expect(pinnedVersion(parsed, "torch", "3.12")).toBe("2.15.0");
  expect(pinnedVersion(parsed, "numpy", "3.12")).toBeNull();
  expect(portions(parsed).map(({ name, entries }) => [name, entries.length])).toEqual([
    ["Python packages", 2],
    ["nvidia-x", 1],
    ["torch", 2],
  ]);
});

test("follows pip's and uv's output", () => {
  const pip = createOutputReader();
  expect(pip("Collecting nvidia-cublas==13 (from -r x (line 1))")).toBe("nvidia-cublas");
  expect(pip("  Downloading x-1.0.whl (9 kB)")).toBeNull();
  expect(pip("Installing collected packages: torch")).toBe("torch");
  expect(pip("Installing collected packages: a, b")).toBe("the downloaded packages");
  const uv = createOutputReader();
  expect(uv("Downloading torch (1.5GiB)")).toBe("torch");
  expect(uv("Downloading triton (272.5MiB)")).toBe("torch");
  expect(uv(" Downloaded torch")).toBe("triton");
  expect(uv("Prepared 96 packages in 3s")).toBe("the downloaded packages");
});

test("writes sizes and times as people do", async () => {
  expect([0, 999, 98_362_432, 1.23e9].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "98.4 MB",
    "1.2 GB",
  ]);
  expect([41_000, 3_723_000].map(formatElapsed)).toEqual(["00:41", "1:02:03"]);
  const directory = await temporaryDirectory();
  await expect(requireFreeSpace(directory, 1e18, "It")).rejects.toMatchObject({
    ...{ kind: "storage", hint: expect.stringContaining("REDISTILL_CACHE") },
  });
});

/** A PATH that holds only the given programs. */
async function pathWith(programs: Record<string, string>): Promise<NodeJS.ProcessEnv> {
  const directory = await temporaryDirectory();
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(directory, name), 0o755);
  }
  return { PATH: directory };
}

const answers = (version: string, venv: boolean) =>
  `echo '{"path":"/p","version":${version},"wide":true,"venv":${venv},"pip":false,"machine":"m"}'`;

test.skipIf(process.platform === "win32")(
  "passes over shims, old and incomplete Pythons",
  async () => {
    const env = await pathWith({
      "python3.13": "echo 'pyenv: python3.13: command not found' >&2; exit 127",
      "python3.12": answers("[3,12]", false),
      "python3.11": answers("[3,11]", true),
    });
    expect(await findPython({ env })).toMatchObject({ version: "3.11" });
    expect(await findPython({ env, needsVenv: false })).toMatchObject({ version: "3.12" });
  },
);

test.skipIf(process.platform === "win32")("says what it found and what to install", async () => {
  const old = await pathWith({ python3: answers("[3,8]", true), python: answers("[2,7]", true) });
  await expect(findPython({ env: old })).rejects.toThrow(
    /python3 is Python 3.8; python is Python 2.7/,
  );
  const bare = await pathWith({ python3: answers("[3,11]", false) });
  await expect(findPython({ env: bare })).rejects.toMatchObject({
    ...{ kind: "setup", message: expect.stringContaining("lacks the venv module") },
  });
  await expect(findPython({ env: await pathWith({}) })).rejects.toThrow(/No usable Python on PATH/);
  const named = { ...(await pathWith({})), REDISTILL_PYTHON: "/none" };
  await expect(findPython({ env: named })).rejects.toThrow(/REDISTILL_PYTHON=\/none is not usable/);
  expect(await findUv({ env: bare })).toBeNull();
});

test("asks pip, and tells why neither pip nor uv could help", async () => {
  const directory = await temporaryDirectory();
  await symlink(testPython(), join(directory, "python3"));
  const env = { PATH: directory, PIP_NO_INDEX: "1", PIP_FIND_LINKS: directory, HOME: directory };
  await expect(resolveWheelUrl("no-such-package==1", { env })).rejects.toThrow(
    /pip: ERROR: .*no-such-package.*; there is no uv/,
  );
}, 60_000);

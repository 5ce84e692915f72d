import { spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { childScript, programFolder } from "../support/child.js";
import { startReceiver } from "../support/receiver.js";
import { sumsFile } from "../support/scripted-run.js";

// Fault row 34: API keys are in no row, log, export, error or process listing.

const canaries = {
  environment: "tk_canary-in-the-environment-7f3a",
  file: "tk_canary-in-a-file-91bc",
  address: "canary-in-an-address-55d0",
};

/** Stands in for Python: says all that it knows, fails the request with it, and stays until its input ends. */
const talkativePython = `#!/bin/sh
env >&2
read line
echo "$line" >&2
echo '{"event":"error","id":"r1","kind":"internal","message":"'"$CANARY_FILE_CONTENT ${canaries.file}"'"}'
while read line; do
  id=$(echo "$line" | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
  echo '{"event":"error","id":"'"$id"'","kind":"internal","message":"again ${canaries.file}"}'
done
`;

interface Listed {
  readonly pid: string;
  readonly commandLine: string;
  readonly environment: string;
}

/** All processes of this machine that can be looked at, as /proc shows them. */
function processes(): Listed[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const read = (name: string) => readFileSync(join("/proc", pid, name), "utf8");
        return [{ pid, commandLine: read("cmdline"), environment: read("environ") }];
      } catch {
        // Ended meanwhile, or another user's.
        return [];
      }
    });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

const holding = (text: string) =>
  Object.entries(canaries).flatMap(([name, canary]) => {
    const forms = [canary, Buffer.from(canary).toString("base64").replace(/=+$/, "")];
    return forms.some((form) => text.includes(form)) ? [name] : [];
  });

describe.runIf(process.platform === "linux")("a run that holds secrets", () => {
  const workspace = mkdtempSync(join(tmpdir(), "redistill-canary-"));
  const outside = mkdtempSync(join(tmpdir(), "redistill-canary-secrets-"));
  const programs = programFolder();
  const listed: Listed[] = [];
  let received: { authorization: string | undefined; path: string; event: string }[] = [];
  let [stdout, stderr] = ["", ""];

  beforeAll(async () => {
    const watch = () => listed.push(...processes());
    // The first answer quotes the token back, as some servers do.
    const webhook = await startReceiver(["echo", 200], watch);
    const ntfy = await startReceiver([200], watch);
    const secret = (name: string, value: string) => {
      const path = join(outside, name);
      writeFileSync(path, `${value}\n`);
      chmodSync(path, 0o600);
      return path;
    };
    const tokenFile = secret("token", canaries.file);
    const addressFile = secret("hook", `${webhook.url}/hooks/${canaries.address}`);
    const python = join(programs, "python");
    writeFileSync(python, talkativePython, { mode: 0o755 });
    mkdirSync(join(workspace, "runs"));
    const recipe = join(workspace, "recipe.yaml");
    writeFileSync(
      recipe,
      stringify({
        name: "sums",
        seed: 3,
        rounds: 2,
        tasks: {
          source: "jsonl",
          path: sumsFile(workspace, 160),
          verifier: { kind: "numeric" },
          ...{ train: 40, gate: 60, sealed: 20 },
        },
        elicit: { tasksPerRound: 20 },
        generate: { attempts: 4 },
        notify: [
          { kind: "webhook", url: { file: addressFile }, token: { env: "CANARY_WEBHOOK" } },
          { kind: "ntfy", url: `${ntfy.url}/topic`, token: { file: tokenFile } },
        ],
      }),
    );
    const child = spawn(
      process.execPath,
      [childScript("notifying-child"), workspace, recipe, python, tokenFile],
      {
        env: { ...process.env, CANARY_WEBHOOK: canaries.environment, OTHER_API_KEY: "not-for-it" },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
    const code = await ended;
    if (code !== 0) throw new Error(`exit code ${code}\n${stderr}`);
    received = [...webhook.received, ...ntfy.received].map(({ headers, path, body }) => ({
      authorization: headers.authorization,
      path,
      event: `${headers.title ?? JSON.parse(body).title}`,
    }));
    await webhook.close();
    await ntfy.close();
  }, 120_000);

  it("gives them to the receivers that they are for", () => {
    const hooks = received.filter(({ path }) => path === `/hooks/${canaries.address}`);
    const topics = received.filter(({ path }) => path === "/topic");
    expect(new Set(hooks.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${canaries.environment}`]),
    );
    expect(new Set(topics.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${canaries.file}`]),
    );
    expect(topics.map(({ event }) => event)).toEqual([
      "sums-1 failed in round 1",
      expect.stringMatching(/^sums-1 round 1 (promoted|rejected)$/),
      expect.stringMatching(/^sums-1 round 2 (promoted|rejected)$/),
      "sums-1 finished",
    ]);
    // The first was sent twice: it was refused once.
    expect(hooks.map(({ event }) => event)).toEqual([
      "sums-1 failed in round 1",
      ...topics.map(({ event }) => event),
    ]);
  });

  it("has them in no file of the workspace, and not in the database", () => {
    const files = filesBelow(workspace);
    const names = files.map((path) => path.slice(workspace.length + 1));
    expect(names).toEqual(
      expect.arrayContaining([
        "memory/redistill.db",
        "memory-after-failure/redistill.db",
        "memory/logs/trainer.log",
        "runs/sums-1/report.md",
        "exports/sums-1/README.md",
        "exports/sums-1/training-set.jsonl",
      ]),
    );
    const found = files.flatMap((path) => {
      const held = holding(readFileSync(path, "latin1"));
      return held.map((name) => `${name} in ${path}`);
    });
    expect(found).toEqual([]);
  });

  it("prints them nowhere", () => {
    expect(stdout).toContain('"kind":"report"');
    expect(holding(stdout)).toEqual([]);
    expect(holding(stderr)).toEqual([]);
  });

  it("had every occasion to: where they were, their mask is", () => {
    expect(readFileSync(join(workspace, "memory/logs/trainer.log"), "utf8")).toContain("[secret]");
    expect(stderr).toContain("refused with [secret] and [secret]");
    expect(stderr).toContain("state after the failure: refused with [secret]");
    expect(stdout).toContain("HTTP 500: you sent Bearer [secret]");
    expect(readFileSync(join(workspace, "runs/sums-1/report.md"), "utf8")).toContain("secret");
  });

  it("shows them in no process listing, and hands them to no trainer", () => {
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.flatMap(({ commandLine }) => holding(commandLine))).toEqual([]);
    const trainers = listed.filter(
      ({ commandLine }) =>
        commandLine.includes("redistill_trainer") && commandLine.includes(programs),
    );
    expect(trainers.length).toBeGreaterThan(0);
    for (const { environment } of trainers) {
      expect(environment).toContain("PYTHONUNBUFFERED=1");
      expect(holding(environment)).toEqual([]);
      expect(environment).not.toContain("OTHER_API_KEY");
    }
  });
});

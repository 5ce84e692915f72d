import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serviceCommand } from "../../src/cli/commands/service.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { launchdAgent, systemdUnit } from "../../src/cli/service-files.js";
import { recordingOutput, temporaryFolder } from "./support.js";

const runs = (command: string, ...args: string[]) =>
  spawnSync(command, args, { encoding: "utf8" }).error === undefined;

/** A folder whose name has everything that a unit or a plist could trip over. */
function awkward() {
  const folder = join(temporaryFolder(), `my "run's" & <50%> $HOME \\n`);
  mkdirSync(folder);
  writeFileSync(
    join(folder, "recipe.yaml"),
    "name: sums\nrounds: 1\ntasks: {source: orders, train: 10, gate: 10}\n",
  );
  const output = recordingOutput();
  const env = { PATH: "/opt/x:/usr/bin", REDISTILL_PYTHON: "/opt/50% py/python", HOME: "/home/x" };
  return { folder, output, options: { workspace: workspaceAt(folder), output, env } };
}

interface Agent {
  Label: string;
  ProgramArguments: string[];
  WorkingDirectory: string;
  EnvironmentVariables: Record<string, string>;
  KeepAlive: Record<string, boolean>;
  RunAtLoad: boolean;
}

/** A plist as another program reads it. */
function readPlist(path: string): Agent {
  const script =
    "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
  return JSON.parse(spawnSync("python3", ["-c", script, path], { encoding: "utf8" }).stdout);
}

describe("redistill service --systemd", () => {
  it("writes a unit with absolute paths, restarts that fit our exit codes, and no window", async () => {
    const { folder, options, output } = awkward();
    await serviceCommand(join(folder, "recipe.yaml"), { systemd: true }, options);
    const unit = readFileSync(join(folder, "redistill-sums.service"), "utf8");
    expect(unit).toContain("\nRestart=on-failure\n");
    expect(unit).toContain("\nSuccessExitStatus=75 130\n");
    expect(unit).toContain("\nRestartPreventExitStatus=2 3 5 7\n");
    expect(unit).toContain(`ExecStart="${process.execPath}" "`);
    expect(unit).toContain(`my \\"run's\\" & <50%%> $$HOME \\\\n/recipe.yaml" "--once"`);
    expect(unit).toContain(`WorkingDirectory=${folder.replaceAll("%", "%%")}\n`);
    expect(unit).toContain('Environment="REDISTILL_PYTHON=/opt/50%% py/python"');
    expect(unit).not.toContain("HOME=");
    expect(output.lines.join("\n")).toContain("systemctl --user enable --now");
  });

  it("names the variables that a service will not have, and never what they hold", async () => {
    const { folder, options, output } = awkward();
    const path = join(folder, "recipe.yaml");
    const notify = "notify: [{kind: webhook, url: {env: HOOK}, token: {env: TOKEN}}]\n";
    writeFileSync(path, readFileSync(path, "utf8") + notify);
    const env = { ...options.env, HOOK: "https://example.org/secret-path", TOKEN: "a-token" };
    await serviceCommand(path, { systemd: true }, { ...options, env });
    expect(output.notes.join()).toContain("takes HOOK, TOKEN from the environment");
    const unit = readFileSync(join(folder, "redistill-sums.service"), "utf8");
    expect(unit).not.toMatch(/secret-path|a-token/);
  });

  it.skipIf(!runs("systemd-analyze", "--version"))("writes what systemd accepts", () => {
    const folder = join(temporaryFolder(), "with space & 50%");
    mkdirSync(folder);
    const unit = systemdUnit({
      name: "sums",
      folder,
      command: [process.execPath, join(folder, "main $x.js"), "run", 'a "b" \\ c.yaml'],
      environment: { PATH: process.env.PATH ?? "" },
    });
    const path = join(temporaryFolder(), "redistill-sums.service");
    writeFileSync(path, unit);
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--user", path], {
      encoding: "utf8",
      env: { ...process.env, XDG_RUNTIME_DIR: temporaryFolder() },
    });
    expect(stderr.split("\n").filter((text) => text.includes("redistill-sums"))).toEqual([]);
    expect(status).toBe(0);
  });
});

describe("redistill service --launchd", () => {
  it("writes an agent that a plist reader reads back", async () => {
    const { folder, options } = awkward();
    await serviceCommand(join(folder, "recipe.yaml"), { launchd: true }, options);
    const path = join(folder, "redistill.sums.plist");
    if (runs("plutil", "-help")) {
      expect(spawnSync("plutil", ["-lint", path]).status).toBe(0);
    }
    const agent = readPlist(path);
    expect(agent).toMatchObject({
      Label: "redistill.sums",
      WorkingDirectory: folder,
      EnvironmentVariables: { PATH: "/opt/x:/usr/bin", REDISTILL_PYTHON: "/opt/50% py/python" },
      KeepAlive: { SuccessfulExit: false },
      RunAtLoad: true,
    });
    expect(agent.ProgramArguments).toContain(process.execPath);
    expect(agent.ProgramArguments.slice(-2)).toEqual([join(folder, "recipe.yaml"), "--once"]);
  });

  /** The shell of the agent around a program that ends with a code. */
  function agentFor(script: string): string[] {
    const path = join(temporaryFolder(), "agent.plist");
    const command = [process.execPath, "-e", script];
    writeFileSync(path, launchdAgent({ name: "x", folder: "/", command, environment: {} }));
    return readPlist(path).ProgramArguments;
  }

  it.each([
    [0, 0],
    [1, 1],
    [2, 0],
    [4, 4],
    [6, 6],
    [7, 0],
    [75, 0],
    [130, 0],
  ])("is started again after exit code %d or not: %d", (code, seen) => {
    const [command = "", ...rest] = agentFor(`process.exit(${code})`);
    expect(spawnSync(command, rest).status).toBe(seen);
  });

  it("lets the program end in order when it is stopped", async () => {
    const script = `process.on("SIGTERM", () => setTimeout(() => { console.log("drained"); process.exit(130); }, 50));
      setInterval(() => {}, 1000); console.log("ready");`;
    const [command = "", ...rest] = agentFor(script);
    const child = spawn(command, rest);
    let said = "";
    child.stdout.on("data", (data: Buffer) => {
      said += data.toString();
      if (said === "ready\n") child.kill("SIGTERM");
    });
    const code = await new Promise((settle) => child.once("close", settle));
    expect(said).toBe("ready\ndrained\n");
    expect(code).toBe(0);
  });
});

describe("redistill service", () => {
  it("prints the file instead, and takes the database along", async () => {
    const { folder, output } = awkward();
    const workspace = workspaceAt(folder, "other.db");
    const options = { workspace, output, database: "other.db" };
    await serviceCommand(join(folder, "recipe.yaml"), { systemd: true, print: true }, options);
    expect(output.lines.join("\n")).toContain('"--database" "');
    expect(output.lines.join("\n")).toContain("other.db");
    expect(readdirSync(folder)).toEqual(["recipe.yaml"]);
  });

  it("refuses a folder that no service file can name", async () => {
    const { folder, output } = awkward();
    const workspace = workspaceAt(`${folder}\nExecStart=/bin/false`);
    const options = { workspace, output };
    const printed = serviceCommand(
      join(folder, "recipe.yaml"),
      { print: true, systemd: true },
      options,
    );
    await expect(printed).rejects.toThrow("control character");
  });

  it("refuses both at once, and a recipe that cannot be read", async () => {
    const { folder, options } = awkward();
    const both = { systemd: true, launchd: true };
    await expect(serviceCommand(join(folder, "recipe.yaml"), both, options)).rejects.toThrow(
      "exclude each other",
    );
    await expect(serviceCommand("nowhere.yaml", {}, options)).rejects.toThrow("no recipe");
  });
});

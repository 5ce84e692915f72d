import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Serving, serveTransformers } from "../support/transformers-serve.js";

let serving: Serving;
beforeAll(async () => {
  serving = await serveTransformers();
});
afterAll(() => serving?.stop());

/** Not in this process's way: the server's output has to be read meanwhile. */
async function redistill(folder: string, args: string[]): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, [resolve("dist/cli/main.js"), ...args], { cwd: folder });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return { code: await new Promise((done) => child.on("close", done)), text };
}

it("learns from a teacher and a critic that a server answers for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-"));
  cpSync("tests/e2e/retention.jsonl", join(folder, "retention.jsonl"));
  const recipe = readFileSync("tests/e2e/served.yaml", "utf8")
    .replaceAll("url: URL", `url: ${serving.url}`)
    .replaceAll("name: NAME", `name: ${serving.name}`);
  writeFileSync(join(folder, "served.yaml"), recipe);
  const { code, text } = await redistill(folder, ["run", "served.yaml"]);
  expect(code, text).toBe(0);

  const database = new Database(join(folder, "memory", "redistill.db"), { readonly: true });
  const run = database.prepare("SELECT model_digest, roles FROM runs").get() as Record<
    string,
    string
  >;
  const roles = JSON.parse(run.roles ?? "");
  expect(roles.teacher.description).toContain(serving.url);
  expect(roles.teacher.digest).not.toBe(run.model_digest);
  const calls = database
    .prepare(
      "SELECT paid_in_stage AS stage, model_digest AS digest, count(*) AS n, min(prompt_tokens) AS least FROM calls GROUP BY 1, 2",
    )
    .all() as { stage: string; digest: string; n: number; least: number }[];
  database.close();
  const by = (stage: string) => calls.filter((each) => each.stage === stage);
  expect(by("generate")).toMatchObject([{ digest: roles.teacher.digest, n: 12 }]);
  expect(by("critique").map(({ digest }) => digest)).toEqual([roles.teacher.digest]);
  expect(by("evaluate").map(({ digest }) => digest)).toEqual([run.model_digest]);
  expect(calls.every(({ least }) => least > 10)).toBe(true);
  expect(readFileSync(join(folder, "runs", "served-1", "report.md"), "utf8")).toContain("served-1");
});

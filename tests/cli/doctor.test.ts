import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import { recipeChecks } from "../../src/cli/recipe-checks.js";
import { testModel } from "../support/machine.js";
import { ModelServer } from "../support/model-server.js";
import { learner, sumsFile } from "../support/scripted-run.js";
import { recordingOutput, temporaryFolder } from "./support.js";

vi.mock("../../src/cli/endpoints.js", () => import("../support/served-endpoints.js"));

const server = new ModelServer(learner);
beforeAll(() => server.start());
afterAll(() => server.stop());

/** What doctor says of a recipe with these models, by role. */
async function checks(models: string) {
  const folder = temporaryFolder();
  sumsFile(folder, 160);
  const path = join(folder, "recipe.yaml");
  writeFileSync(
    path,
    `name: sums\nrounds: 1\ntasks: {source: jsonl, path: sums.jsonl, train: 8, gate: 8}\n${models}`,
  );
  const { signal } = new AbortController();
  const found = await recipeChecks(path, workspaceAt(folder), recordingOutput(), signal);
  return Object.fromEntries(found.map((check) => [check.what.split(":")[0], check]));
}

const at = (more = "") => `{provider: openai, name: m, url: "${server.url}"${more}}`;

describe("doctor on a recipe", () => {
  it("is content where each model answers, and says what each can do", async () => {
    const { recipe, student, teacher } = await checks(
      `model: ${at(`, weights: ${testModel()}`)}\nroles:\n  teacher: ${at()}\n`,
    );
    expect([recipe!.state, student!.state, teacher!.state]).toEqual(["ok", "ok", "ok"]);
    expect(teacher!.found).toContain("takes trained weights");
    expect(teacher!.found).toContain("no log-probabilities");
  });

  it("says that a student cannot be trained, and what else there is", async () => {
    const { student } = await checks(`model: ${at()}\n`);
    expect(student).toMatchObject({
      state: "missing",
      found: expect.stringContaining("its weights are not on this machine"),
      hint: expect.stringContaining("retrain.method: memory"),
    });
  });

  it("says where a server is absent and a key is not set", async () => {
    const nowhere = `{provider: openai, name: m, url: "http://127.0.0.1:9"}`;
    const keyless = at(", apiKey: {env: REDISTILL_NO_SUCH_KEY}");
    const { teacher, critic } = await checks(
      `roles:\n  teacher: ${nowhere}\n  critic: ${keyless}\n`,
    );
    expect(teacher).toMatchObject({ state: "missing", hint: "Start it." });
    expect(critic!.found).toContain("roles.critic.apiKey: the variable REDISTILL_NO_SUCH_KEY");
  });

  it("says what is wrong with a recipe that cannot be read", async () => {
    const { recipe } = await checks("modle: {}\n");
    expect(recipe).toMatchObject({ state: "missing", hint: expect.stringContaining("model?") });
  });
});

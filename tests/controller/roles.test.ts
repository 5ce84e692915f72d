import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requireSameModels } from "../../src/cli/same-model.js";
import { eachRole } from "../../src/core/model.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { readReport, readSpend, renderMarkdown } from "../../src/report/index.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-roles-"));

const server = (name: string) => ({ provider: "openai", name, sequences: 2 });

/** A teacher and a critic of their own, on two rounds of which the first one promotes. */
async function worked(changes: Record<string, unknown> = {}) {
  const teacher = new ScriptedChatModel("teacher", (request) => learner(request, null));
  const critic = new ScriptedChatModel("critic", () => "The sum is off.");
  const student = new ScriptedChatModel("student", learner);
  const models = { ...eachRole(() => student), teacher, critic };
  const where = folder();
  const roles = { teacher: server("big"), critic: server("sharp") };
  const run = await scriptedRun(where, sumsRecipe(where, { roles, ...changes }), { models });
  await run.work();
  return { ...run, student, teacher, critic, models };
}

describe("roles with models of their own", () => {
  it("ask each stage's model, the student's adapter worn by the student alone", async () => {
    const { store, student, teacher, critic } = await worked();
    const stagesOf = (digest: string) =>
      (store as unknown as { db: import("better-sqlite3").Database }).db
        .prepare("SELECT DISTINCT paid_in_stage FROM calls WHERE model_digest = ? ORDER BY 1")
        .pluck()
        .all(digest);
    expect(stagesOf(teacher.digest)).toEqual(["generate", "refine"]);
    expect(stagesOf(critic.digest)).toEqual(["critique"]);
    expect(stagesOf(student.digest)).toEqual(["evaluate", "final"]);
    expect(store.runs.find("sums-1")!.incumbent).not.toBeNull();
    expect([...teacher.ledger, ...critic.ledger].filter(({ adapter }) => adapter)).toEqual([]);
    expect(student.ledger.some(({ adapter }) => adapter !== null)).toBe(true);
    store.close();
  });

  it("pay each model's own price", async () => {
    const price = (prompt: number, completion: number) => ({ prompt, completion });
    const prices = { default: price(0, 0), big: price(1, 3), sharp: price(0, 1_000) };
    const { store, teacher, critic } = await worked({ prices, budget: { money: 1_000 } });
    const tokens = ({ ledger }: ScriptedChatModel, model: ScriptedChatModel) =>
      ledger.map(({ request }) => model.render(request.messages).split(/\s+/).length);
    const prompts = tokens(teacher, teacher).reduce((sum, each) => sum + each, 0);
    // An answer of the teacher is one word; the critic's are four.
    const micros = prompts + 3 * teacher.ledger.length + 1_000 * 4 * critic.ledger.length;
    expect(readSpend(store, store.runs.find("sums-1")!).money).toBe(String(micros / 1_000_000));
    store.close();
  });

  it("are remembered with the run, told in its report, and may not change", async () => {
    const { store, teacher, models } = await worked();
    const run = store.runs.find("sums-1")!;
    expect(Object.keys(run.roles).sort()).toEqual(["critic", "student", "teacher"]);
    const markdown = renderMarkdown(readReport(store, "sums-1"));
    expect(markdown).toContain("Model as teacher: `scripted model teacher`");
    expect(markdown).toContain("Model as critic: `scripted model critic`");
    expect(() => requireSameModels(run, models)).not.toThrow();
    expect(() => requireSameModels(run, { ...models, critic: teacher })).toThrow(
      /had as critic another model/,
    );
    store.close();
  });
});

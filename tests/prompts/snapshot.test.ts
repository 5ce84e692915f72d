import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import { critiquesFrom, promptsFrom, snapshotPrompts } from "../../src/cli/prompts.js";
import { recipeSchema } from "../../src/core/recipe.js";
import { loadRecipe } from "../../src/recipes/load.js";
import { file, temporary, usageError, write } from "./support.js";

const recipeWith = (changes: Record<string, unknown>) =>
  recipeSchema.parse({
    name: "unit",
    rounds: 1,
    tasks: { source: "jsonl", path: "unread.jsonl", train: 10, gate: 10 },
    ...changes,
  });

/** Snapshots of a recipe in a workspace that has these prompts, by path. */
function snapshots(changes: Record<string, unknown>, prompts: Record<string, string> = {}) {
  const root = temporary();
  for (const [path, body] of Object.entries(prompts)) write(root, `prompts/${path}.md`, body);
  return snapshotPrompts(recipeWith(changes), workspaceAt(root));
}

const mine = (user: string, extra = "") => {
  const variables = [...new Set([...user.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]))].join(", ");
  return file(`name: mine\nversion: 2\nvariables: [${variables}]${extra}`, user);
};
const refused = (changes: Record<string, unknown>, prompts: Record<string, string>) =>
  usageError(() => snapshots(changes, prompts));

describe("a recipe's prompts", () => {
  it("are kept whole, so that the files may change during the run", () => {
    const body = mine("{{task}}!");
    const taken = snapshots({ student: { prompt: "mine" } }, { "student/mine": body });
    expect(taken).toMatchObject([{ stage: "student", name: "mine", version: "2", body }]);
    const { student, critique, refine } = promptsFrom(taken);
    expect(student).toMatchObject({ user: "{{task}}!", hash: taken[0]!.hash });
    expect([critique, refine]).toEqual([null, null]);
  });

  it("are kept of all critiques that a plan may take, the recipe's own first", () => {
    const both = { critique: { prompt: "mine" }, refine: { prompt: "rewrite" } };
    const prompts = {
      "critique/mine": mine("What is wrong with {{answer}}?"),
      "critique/other": mine("Where does {{answer}} go wrong?"),
    };
    const policy = { kind: "coach", critiquePrompts: ["other", "mine"] };
    const taken = snapshots({ ...both, policy }, prompts).filter(
      ({ stage }) => stage === "critique",
    );
    expect(taken.map(({ name }) => name)).toEqual(["mine", "other", "none"]);
    expect(promptsFrom(taken).critique?.user).toContain("What is wrong");
    expect(critiquesFrom(taken).get("other")?.user).toContain("Where does");
    expect(critiquesFrom(taken).get("none")?.output).toBe("none");
    const leaking = { ...prompts, "critique/other": mine("{{answer}} {{reference}}") };
    expect(refused({ ...both, policy }, leaking).message).toContain("needs {{reference}}");
    expect(snapshots(both, prompts).filter(({ stage }) => stage === "critique")).toHaveLength(1);
  });

  it("come from the workspace before the package", () => {
    const own = { "student/answer": mine("My {{task}}") };
    expect(snapshots({}, own)[0]!.body).toContain("My {{task}}");
    expect(snapshots({})[0]!.body).not.toContain("My {{task}}");
  });

  it("may use what their stage has under the recipe, and no more", () => {
    const critique = { critique: { prompt: "mine" }, refine: { prompt: "rewrite" } };
    const leak = refused(critique, { "critique/mine": mine("{{task}} {{reference}}") });
    expect(leak.message).toContain("critique/mine needs {{reference}}");
    expect(leak.hint).toContain("teacher.hint: true");
    const hinted = { ...critique, teacher: { hint: true } };
    const shown = { "critique/mine": mine("{{task}} {{answer}} {{reference}}") };
    expect(snapshots(hinted, shown)).toHaveLength(3);
    const contrast = { "critique/mine": mine("{{task}} {{answer}} {{attempt}}") };
    expect(snapshots(critique, contrast)).toHaveLength(3);
    const single = refused({ ...critique, generate: { attempts: 1 } }, contrast);
    expect(single.message).toContain("critique/mine needs {{attempt}}");
    expect(single.hint).toContain("generate.attempts");
    const student = { student: { prompt: "mine" } };
    expect(refused(student, { "student/mine": mine("{{task}} {{answer}}") }).message).toContain(
      "student/mine needs {{answer}}",
    );
  });

  it("have the reference and the critique when refining only where the recipe says so", () => {
    const refine = { refine: { prompt: "mine" } };
    const hints = { "refine/mine": mine("{{task}} {{reference}}") };
    expect(refused(refine, hints).hint).toContain("teacher.hint: true");
    expect(snapshots({ ...refine, teacher: { hint: true } }, hints)).toHaveLength(2);
    const criticised = { "refine/mine": mine("{{task}} {{critique}}") };
    expect(refused(refine, criticised).hint).toContain("critique.prompt");
    const both = { ...refine, critique: { prompt: "locate-error" } };
    expect(snapshots(both, criticised)).toHaveLength(3);
  });

  it("let a critic see what it is asked about", () => {
    const both = { critique: { prompt: "mine" }, refine: { prompt: "rewrite" } };
    const blind = refused(both, { "critique/mine": mine("{{task}} What is wrong?") });
    expect(blind.message).toContain("does not show what it is to criticise");
    expect(snapshots(both, { "critique/mine": mine("{{finding}} Why?") })).toHaveLength(3);
  });

  it("need not show a critique that says nothing", () => {
    const none = { critique: { prompt: "none" }, refine: { prompt: "mine" } };
    const taken = snapshots(none, { "refine/mine": mine("{{task}} {{finding}}") });
    expect(promptsFrom(taken).critique?.output).toBe("none");
  });

  it("must show a critique that the recipe pays for", () => {
    const both = { critique: { prompt: "locate-error" }, refine: { prompt: "mine" } };
    const error = refused(both, { "refine/mine": mine("{{task}} {{finding}}") });
    expect(error.message).toContain("refine/mine does not show them");
    expect(error.hint).toContain("{{critique}}");
    // Also where half of the failures alone are to have one.
    const half = { ...both, critique: { prompt: "none", trial: "locate-error" } };
    const unread = refused(half, { "refine/mine": mine("{{task}} {{finding}}") });
    expect(unread.message).toContain("refine/mine does not show them");
  });

  it("are other ones by each name", () => {
    const both = { critique: { prompt: "mine", trial: "copy" }, refine: { prompt: "rewrite" } };
    const body = mine("What is wrong with {{answer}}?");
    const error = refused(both, { "critique/mine": body, "critique/copy": body });
    expect(error.message).toBe(
      "prompts critique/mine and critique/copy are the same file, byte for byte",
    );
    expect(error.hint).toContain("its own name");
  });

  it("have no system message of their own where they go on with a conversation", () => {
    const system = "\nsystem: You mend sums.";
    const refine = { refine: { prompt: "mine" } };
    const error = refused(refine, { "refine/mine": mine("{{finding}} Again.", system) });
    expect(error.message).toContain("does not name {{task}}");
    expect(snapshots(refine, { "refine/mine": mine("{{finding}} Again.") })).toHaveLength(2);
    expect(snapshots(refine, { "refine/mine": mine("{{task}} {{finding}}", system) })).toHaveLength(
      2,
    );
  });

  it("show a judge all that it compares, with the mark around it", () => {
    const judge = { judge: { prompt: "mine" } };
    const error = refused(judge, { "judge/mine": mine("{{task}} {{first}} {{second}}") });
    expect(error.message).toContain("judge/mine does not show the judge {{mark}}");
    const all = { "judge/mine": mine("{{mark}} {{task}} {{first}} {{second}}") };
    expect(snapshots(judge, all).map(({ stage }) => stage)).toEqual(["student", "judge", "repair"]);
  });

  it("are there for a rubric, which is a verifier of the recipe", () => {
    const graded = (prompt: string) => ({
      tasks: {
        ...{ source: "jsonl", path: "unread.jsonl", train: 10, gate: 10 },
        verifier: { kind: "rubric", prompt },
      },
    });
    const taken = promptsFrom(snapshots(graded("follows-the-task")));
    expect([taken.judge, taken.rubric?.name, taken.repair?.name]).toEqual([
      null,
      "follows-the-task",
      "last-line",
    ]);
    expect(refused(graded("mine"), { "rubric/mine": mine("{{task}}") }).message).toContain(
      "{{answer}}, {{scale}}, {{mark}}",
    );
  });

  const recipes = readdirSync("runs/recipes").filter((name) => name.endsWith(".yaml"));
  it.each(recipes)("can all be read for the packaged recipe %s", (name) => {
    const recipe = loadRecipe(join("runs/recipes", name));
    const taken = promptsFrom(snapshotPrompts(recipe, workspaceAt(temporary())));
    expect(taken.student.name).toBe(recipe.student.prompt);
    expect(taken.critique?.name).toBe(recipe.critique?.prompt);
    expect(taken.refine?.name).toBe(recipe.refine?.prompt);
  });
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { peerJob } from "../../bench/support/peer-jobs.js";
import { peerRow, readOutput } from "../../bench/support/peer-rows.js";
import { promptsOf, tasksOf } from "../../bench/support/quickstart.js";
import { defaultRecipe } from "../../src/cli/paths.js";
import { tasksBySplit } from "../../src/controller/run.js";
import { loadRecipe } from "../../src/recipes/load.js";
import { runTool } from "../../src/setup/run-tool.js";
import { createVerify } from "../../src/verifiers/index.js";
import { testPython } from "../support/machine.js";

const recipe = loadRecipe(defaultRecipe);
const { student } = promptsOf(recipe).prompts;
const tasks = tasksBySplit(await tasksOf(recipe));
const settings = { minutes: 1, weights: "model.gguf" };
const verify = createVerify({});

describe("what the peers get", () => {
  const job = peerJob({ recipe, student, tasks }, settings);

  it("is the run's tasks with the student's prompt and limits", () => {
    expect(job.train.map(({ prompt }) => prompt)).toEqual(tasks.train.map(({ prompt }) => prompt));
    expect(job.heldOut).toHaveLength(recipe.tasks.gate + recipe.tasks.sealed);
    expect(job.train[5]!.messages).toEqual([
      { role: "system", content: student.system },
      { role: "user", content: tasks.train[5]!.prompt },
    ]);
    expect(job.check).toBe("fields");
    expect(job.maxTokens).toBe(recipe.student.maxTokens);
  });

  it("shows the teacher's solved tasks between the instructions and the question", () => {
    const { shown } = job.train[9]!;
    expect(shown.map(({ role }) => role)).toEqual([
      "system",
      ...Array.from({ length: 4 }, () => ["user", "assistant"]).flat(),
      "user",
    ]);
    expect(shown[2]!.content).toBe(tasks.train[0]!.reference);
    expect(shown.at(-1)!.content).toBe(tasks.train[9]!.prompt);
  });

  it("holds no reference of a held-out task", () => {
    const text = JSON.stringify(job);
    for (const { reference } of [...tasks.gate, ...tasks.sealed]) {
      expect(text).not.toContain(reference);
    }
  });

  it("is refused where their check would be another", () => {
    const train = tasks.train.map((task) => ({ ...task, verifier: { kind: "contains" as const } }));
    const odd = { ...tasks, train };
    expect(() => peerJob({ recipe, student, tasks: odd }, settings)).toThrow(/contains/);
  });
});

describe("a peer's row", () => {
  const some = {
    gate: tasks.gate.slice(0, 10),
    sealed: [],
    retention: tasks.retention.slice(0, 2),
  };
  const right = some.gate.map(({ reference }) => ` ${reference}\n`);
  const output = (heldOut: string[]) => ({
    answers: { heldOut, retention: ["Rome", "no idea"] },
    ...{ tokensSampled: 7, tokensTrained: 8, versions: {}, more: {} },
    seconds: { load: 6, train: 60, answer: 600 },
  });

  it("has the product's verdicts with Wilson's interval, and no time of answering", async () => {
    const answers = [...right.slice(0, 8), "nonsense", ""];
    const { cells, verdicts } = await peerRow("x", output(answers), some, verify);
    expect(cells).toEqual([...["x", "8/10 (49.0–94.3%)", "", "1/2 (9.5–90.5%)", "7", "8", "1.1"]]);
    expect(verdicts.map(({ outcome }) => outcome).slice(7, 10)).toEqual([
      ...["ok", "wrong", "ungradable"],
    ]);
  });

  it("is refused where answers are missing, or the file is of another form", async () => {
    await expect(peerRow("x", output(right.slice(1)), some, verify)).rejects.toThrow(/11 answers/);
    expect(() => readOutput('{"answers": {}}', "x")).toThrow(/x wrote something else/);
  });
});

describe("checks.py", () => {
  const cases = [
    ["fields", "Ann | 3 | soft shirt | Ulm", "Ann | 3 | soft shirt | Ulm", true],
    ["fields", "Ann|3|soft  shirt|Ulm\n", "Ann | 3 | soft shirt | Ulm", true],
    ["fields", "Ann | 3 | soft shirt", "Ann | 3 | soft shirt | Ulm", false],
    ["fields", "ann | 3 | soft shirt | Ulm", "Ann | 3 | soft shirt | Ulm", false],
    ["exact", "  two words ", "two words", true],
    ["exact", "two words more", "two words", false],
    ["numeric", "She has 3 + 4 = 7 apples.", "7", true],
    ["numeric", "The answer is 1,234.", "1234", true],
    ["numeric", "1 - 4 = -3", "3", false],
    ["numeric", "none", "7", false],
  ] as const;

  it("finds right what the product's verifiers find right", async () => {
    const folder = fileURLToPath(new URL("../../bench/peers", import.meta.url));
    const script =
      "import json, sys; from checks import is_right; print(json.dumps([is_right(*c) for c in json.load(sys.stdin)]))";
    const input = JSON.stringify(cases.map(([kind, answer, wanted]) => [kind, answer, wanted]));
    const ran = spawnSync(testPython(), ["-c", script], {
      ...{ input, encoding: "utf8", env: { ...process.env, PYTHONPATH: folder } },
    });
    expect(ran.stderr).toBe("");
    expect(JSON.parse(ran.stdout)).toEqual(cases.map(([, , , expected]) => expected));
    const items = cases.map(([kind, answer, reference]) => ({
      task: { ...tasks.train[0]!, reference, verifier: { kind } },
      answer,
    }));
    const verdicts = await verify(items);
    expect(verdicts.map(({ outcome }) => outcome === "ok")).toEqual(
      cases.map(([, , , expected]) => expected),
    );
  });
});

describe("the scripts", () => {
  // The imports alone take 20 s.
  it.each(["trl_grpo", "rejection_sampling"])(
    "%s learns for its minutes and answers everything, here on random weights",
    async (peer) => {
      const some = {
        ...tasks,
        train: tasks.train.slice(0, 8),
        ...{ gate: tasks.gate.slice(0, 3), sealed: tasks.sealed.slice(0, 2) },
        retention: tasks.retention.slice(0, 1),
      };
      // The random model has room for 256 letters.
      const bare = { ...recipe, teacher: { ...recipe.teacher, exemplars: 0 } };
      const job = peerJob({ recipe: bare, student, tasks: some }, { minutes: 0.01, weights: "" });
      const folder = mkdtempSync(join(tmpdir(), "peers-"));
      const [input, output] = [join(folder, "in"), join(folder, "out")];
      writeFileSync(input, JSON.stringify(job));
      const script = fileURLToPath(new URL("tiny_peer.py", import.meta.url));
      const { exitCode, tail } = await runTool(testPython(), [script, peer, input, output]);
      expect(exitCode, tail.join("\n")).toBe(0);
      const said = readOutput(readFileSync(output, "utf8"), peer);
      const { cells } = await peerRow(peer, said, some, verify);
      expect(cells.slice(0, 2)).toEqual([peer, expect.stringMatching(/^0\/3 /)]);
      expect(said.tokensSampled).toBeGreaterThan(0);
      expect(Object.keys(said.seconds)).toContain("answer");
      rmSync(folder, { recursive: true });
    },
    600_000,
  );
});

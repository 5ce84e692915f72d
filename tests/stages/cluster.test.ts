import { describe, expect, it } from "vitest";
import type { Attempt, Critique } from "../../src/core/entities.js";
import { policySchema } from "../../src/core/policy.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { cluster } from "../../src/stages/cluster.js";
import { stagesOf } from "../../src/stages/index.js";
import {
  adapterNamed,
  attemptAt,
  cutOff,
  inputWith,
  portsWith,
  promptOf,
  recipeWith,
  sums,
} from "./support.js";

const tasks = sums(10);
const naming = promptOf("cluster", "Name this: {{failures}}");
const carry = "The carry was lost. Look again.";

/** Two wrong answers for a wrong reason each, one right and one that is no answer. */
const attempts: Attempt[] = [
  attemptAt(tasks[0]!, 0, "11", "wrong"),
  attemptAt(tasks[1]!, 0, "12", "wrong"),
  attemptAt(tasks[2]!, 0, "13", "ok"),
  attemptAt(tasks[3]!, 0, "", "ungradable"),
];

function critiqueOf(attempt: Attempt, text: string, says: Critique["says"] = null): Critique {
  const { id: attemptId, taskId } = attempt;
  const asked = { callKey: attemptId, promptHash: "hash", confidence: null };
  return { id: `critique-${attemptId}`, attemptId, taskId, text, says, ...asked };
}

function input(changes: Parameters<typeof inputWith>[0] = {}) {
  return inputWith({
    recipe: recipeWith({ clusters: {} }),
    ...changes,
    prompts: { cluster: naming, ...changes?.prompts },
    rows: { attempts, critiques: [critiqueOf(attempts[0]!, carry)], ...changes?.rows },
  });
}

describe("cluster", () => {
  it("is only in the rounds of recipes that want it", () => {
    const names = (recipe: Parameters<typeof stagesOf>[0]) =>
      stagesOf(recipe).map(([name]) => name);
    expect(names(recipeWith())).not.toContain("cluster");
    expect(names(recipeWith({ clusters: {} }))).toContain("cluster");
    const adaptive = policySchema.parse({ kind: "adaptive" });
    expect(names({ ...recipeWith(), policy: adaptive })).toContain("cluster");
    expect(names({ ...recipeWith(), policy: { kind: "fixed" } })).not.toContain("cluster");
  });

  it("groups what was not right, and has each new group of wrong answers named once", async () => {
    const ports = portsWith(() => "Lost carry.");
    const { rows, summary } = await cluster(input(), ports);
    const { born, members, sizes } = rows.clusters!;
    expect(born).toMatchObject([
      { outcome: "wrong", name: "Lost carry", reason: "It is wrong.", namedBy: expect.any(String) },
      { outcome: "ungradable", name: "It is ungradable", leader: null, namedBy: null },
    ]);
    expect(members.map(({ attemptId }) => attemptId)).toEqual(
      [0, 1, 3].map((i) => attempts[i]!.id),
    );
    expect(sizes).toMatchObject([
      { round: 1, failures: 2, attempts: 4, state: "born" },
      { round: 1, failures: 1, attempts: 4, state: "born" },
    ]);
    expect(summary).toEqual({ wrong: 2, ungradable: 1, clusters: 1, born: 1 });
    expect(ports.questions()).toHaveLength(1);
    const [question] = ports.questions();
    expect(question).toContain(`Task: ${tasks[0]!.prompt}\nAnswer: 11\nChecker: It is wrong.`);
    expect(question).toContain("Critique: The carry was lost.\n");
    expect(question).not.toContain("Look again");
  });

  it("takes no verdict for a step, nor what most critiques of the round begin with", async () => {
    const wrong = tasks.slice(0, 5).map((task, i) => attemptAt(task, 0, `${i}1`, "wrong"));
    const steps = [
      "The carry was lost.",
      "The carry was lost.",
      "Tens are ones.",
      "Tens are ones.",
    ];
    const critiques = wrong.map((attempt, i) =>
      critiqueOf(attempt, `Let me see. The answer is wrong. ${steps[i] ?? ""}`.trim()),
    );
    const ports = portsWith(() => "Lost carry.");
    const { rows } = await cluster(input({ rows: { attempts: wrong, critiques } }), ports);
    const born = rows.clusters!.born.filter(({ leader }) => leader !== null);
    expect(born.length).toBeGreaterThan(0);
    for (const { leader, step } of born) {
      // The last has nothing else to say.
      expect(step).toBe(steps[wrong.findIndex(({ id }) => id === leader)] ?? "Let me see.");
    }
    expect(born.some(({ step }) => steps.includes(step ?? ""))).toBe(true);
  });

  it("asks the base weights, greedily", async () => {
    const ports = portsWith(() => "Lost carry");
    await cluster(input({ incumbent: adapterNamed("a".repeat(64)) }), ports);
    expect(ports.asked).toMatchObject([
      { adapter: null, request: { sampling: { temperature: 0 } } },
    ]);
  });

  it.each([
    ["two lines", "Lost\ncarry"],
    ["a cut name", cutOff("Lost carry because")],
    ["nothing", " "],
  ])("takes the reason where the model says %s", async (_what, said) => {
    const { rows } = await cluster(
      input(),
      portsWith(() => said),
    );
    expect(rows.clusters!.born[0]).toMatchObject({ name: "It is wrong" });
  });

  it("asks nothing where names are not wanted, or where no failure fits the context", async () => {
    const ports = portsWith(() => "Lost carry");
    const unnamed = input({ recipe: recipeWith({ clusters: { name: false } }) });
    const { rows } = await cluster(unnamed, ports);
    expect(rows.clusters!.born[0]).toMatchObject({ name: "It is wrong", namedBy: null });
    const coach = { provider: "embedded", contextTokens: 128 };
    const narrow = recipeWith({ clusters: {}, roles: { coach } });
    const long = promptOf("cluster", `${"word ".repeat(200)}{{failures}}`);
    await cluster(input({ recipe: narrow, prompts: { cluster: long } }), ports);
    expect(ports.asked).toEqual([]);
  });

  it("shows fewer failures where not all fit", async () => {
    const many = tasks.map((task) => attemptAt(task, 0, "1", "wrong"));
    const shown = async (contextTokens: number) => {
      const ports = portsWith(() => "Lost carry");
      const roles = { coach: { provider: "embedded", contextTokens } };
      const recipe = recipeWith({ clusters: {}, roles });
      const text = `${"word ".repeat(70)}{{failures}}`;
      const prompts = { cluster: promptOf("cluster", text) };
      await cluster(input({ recipe, prompts, rows: { attempts: many, critiques: [] } }), ports);
      return ports.questions()[0]!.split("Task:").length - 1;
    };
    expect(await shown(1024)).toBe(4);
    const fewer = await shown(128);
    expect(fewer).toBeGreaterThan(0);
    expect(fewer).toBeLessThan(4);
  });

  it("has the twelve largest of many named", async () => {
    const kinds = Array.from({ length: 14 }, (_, kind) => {
      const own = tasks.slice(0, kind === 13 ? 3 : 2);
      return own.map((task) => {
        const attempt = attemptAt(task, kind, `${kind}`, "wrong");
        const finding = `It is ${"x".repeat(kind + 1)}.`;
        return { ...attempt, verdict: { ...attempt.verdict, finding } };
      });
    });
    const ports = portsWith(() => "A name");
    const { rows } = await cluster(
      input({ rows: { attempts: kinds.flat(), critiques: [] } }),
      ports,
    );
    const { born } = rows.clusters!;
    expect(born).toHaveLength(14);
    expect(ports.asked).toHaveLength(12);
    const unnamed = born.filter(({ namedBy }) => namedBy === null);
    expect(unnamed.map(({ name, reason }) => `${name}.` === reason)).toEqual([true, true]);
    expect(unnamed.map(({ reason }) => reason)).not.toContain(`It is ${"x".repeat(14)}.`);
  });

  it("knows what earlier rounds found, and asks for no name again", async () => {
    const first = (
      await cluster(
        input(),
        portsWith(() => "Lost carry"),
      )
    ).rows.clusters!;
    const known = first.born.map((each) => {
      const lead = attempts.find(({ id }) => id === each.leader);
      return {
        ...each,
        lead: lead ? { ...lead, finding: lead.verdict.finding } : null,
        sizes: first.sizes.filter(({ clusterId }) => clusterId === each.id),
      };
    });
    const next = [4, 5, 6].map((n) => attemptAt(tasks[n]!, 1, "9", "wrong"));
    const ports = portsWith();
    const { rows } = await cluster(
      input({ round: 2, earlierClusters: known, rows: { attempts: next, critiques: [] } }),
      ports,
    );
    expect(ports.asked).toEqual([]);
    expect(rows.clusters!.born).toEqual([]);
    expect(rows.clusters!.members.map(({ clusterId }) => clusterId)).toEqual(
      next.map(() => first.born[0]!.id),
    );
    expect(rows.clusters!.sizes).toMatchObject([
      { round: 2, failures: 3, attempts: 3 },
      { round: 2, failures: 0, attempts: 3 },
    ]);
  });

  it.each([
    [
      "a critique's text fields",
      "critique: {type: string}\n  verdict: {enum: [right, wrong]}",
      "critique: The carry was lost.\nverdict: wrong",
      "wrong",
      "The carry was lost.",
    ],
    ["no verdict alone", "verdict: {enum: [right, wrong]}", "verdict: wrong", "wrong", null],
    [
      "no critique that sees nothing wrong",
      "critique: {type: string}\n  verdict: {enum: [right, wrong]}",
      "critique: All is well.\nverdict: right",
      "right",
      null,
    ],
  ] as const)("takes the first wrong step from %s", async (_what, output, text, says, step) => {
    const front = `name: c\nversion: 1\nvariables: [task, answer]\noutput:\n  ${output}`;
    const critique = parsePrompt("critique", "c", `---\n${front}\n---\n{{task}} {{answer}}\n`);
    const wrong = attempts.slice(0, 2);
    const critiques = wrong.map((each) => critiqueOf(each, text, says));
    const { rows } = await cluster(
      input({ prompts: { critique, cluster: naming }, rows: { attempts: wrong, critiques } }),
      portsWith(() => "Lost carry"),
    );
    expect(rows.clusters!.born).toMatchObject([{ step }]);
  });

  it("reads nothing but training tasks", async () => {
    const [held] = sums(1, "gate");
    const strange = [0, 1].map((index) => attemptAt(held!, index, "11", "wrong"));
    const ports = portsWith(() => "Lost carry");
    const { rows } = await cluster(
      input({ tasks: { gate: [held!] }, rows: { attempts: strange, critiques: [] } }),
      ports,
    );
    expect(rows.clusters).toMatchObject({ born: [], members: [] });
    expect(ports.asked).toEqual([]);
  });
});

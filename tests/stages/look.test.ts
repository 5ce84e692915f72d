import { describe, expect, it } from "vitest";
import type { CallRequest, Evaluation } from "../../src/core/entities.js";
import type { Complete } from "../../src/core/ports.js";
import type { RoundRows, SuiteAnswers } from "../../src/core/round.js";
import { evaluate } from "../../src/stages/evaluate.js";
import { gate } from "../../src/stages/gate.js";
import {
  adapterNamed,
  adapterRow,
  inputWith,
  portsWith,
  type RecordingPorts,
  recipeWith,
  sums,
  verdictOf,
} from "./support.js";

const tasks = { gate: sums(120, "gate") };
const byQuestion = new Map(tasks.gate.map((task) => [`Q: ${task.prompt}`, task]));

type Changes = Parameters<typeof inputWith>[0] & { readonly settings?: Record<string, unknown> };

function look({ settings = {}, rows, ...changes }: Changes = {}) {
  const recipe = recipeWith({ gate: { test: "sequential", ...settings }, ...changes.recipe });
  const candidate = adapterNamed("cand");
  return inputWith({
    ...{ recipe, candidate, tasks, ...changes },
    rows: { candidate: adapterRow("cand"), ...rows },
  });
}

/** Models that are right where the function says so; null is the base weights. */
function answering(right: (model: string | null, n: number, request: CallRequest) => boolean) {
  const recording = portsWith();
  const complete: Complete = async (requests, adapter) => {
    const completions = await recording.complete(requests, adapter);
    return completions.map((completion, i) => {
      const task = byQuestion.get(requests[i]!.messages.at(-1)!.content)!;
      const n = tasks.gate.indexOf(task);
      const text = right(adapter?.sha256 ?? null, n, requests[i]!) ? task.reference! : "1";
      return { ...completion, text };
    });
  };
  const ports: RecordingPorts = { ...recording, complete };
  const asked = (model: string | null) =>
    ports.asked
      .filter(({ adapter }) => adapter === model)
      .map(({ request }) => request.messages.at(-1)!.content);
  return { ports, asked };
}

const better = () => answering((model) => model !== null);
const worse = () => answering((model) => model === null);
const alike = () => answering((_, n) => n % 2 === 0);

/** Both stages, one after the other. */
async function decided(
  input: ReturnType<typeof look>,
  { ports }: Pick<ReturnType<typeof answering>, "ports">,
) {
  const { rows } = await evaluate(input, ports);
  const all: RoundRows = { ...input.rows, evaluations: rows.evaluations! };
  const { rows: after } = await gate({ ...input, rows: all });
  return { decision: after.decision!, evaluations: rows.evaluations! };
}

const itemsOf = (evaluations: readonly SuiteAnswers[], adapter: string | null) =>
  evaluations.find((each) => each.suite === "gate" && each.adapter === adapter)?.items ?? [];

describe("a look task by task", () => {
  it("ends when the candidate is shown to be better, and asks no more than the batch that it is in", async () => {
    const { ports, asked } = better();
    const { decision } = await decided(look(), { ports });
    const { tasks: took, ...seen } = decision.look!;
    expect(decision.outcome).toBe("promoted");
    expect(seen).toMatchObject({ outcome: "better", horizon: 120, attempts: 1, incumbent: 0 });
    expect(seen.wealth * decision.alpha).toBeGreaterThanOrEqual(1);
    expect(decision.gate).toMatchObject({ tasks: took, gained: took, lost: 0 });
    expect(took).toBeLessThan(32);
    expect(asked(null)).toHaveLength(32);
    expect(asked("cand")).toEqual(asked(null));
    expect(decision.reason).toContain(
      `gate +100.0 points (decided after ${took} of 120 tasks; wealth `,
    );
    expect(decision.reason).toContain("80 needed");
  });

  it("ends when there is no hope, and asks all where there is neither", async () => {
    const lost = worse();
    const hopeless = await decided(look(), lost);
    expect(hopeless.decision).toMatchObject({ outcome: "rejected", look: { outcome: "hopeless" } });
    expect(hopeless.decision.reason).toMatch(/^not shown to be better: .*\(given up after \d+ of/);
    expect(lost.asked("cand")).toHaveLength(32);
    const same = alike();
    const open = await decided(look(), same);
    const { look: seen } = open.decision;
    expect(seen).toMatchObject({ outcome: "open", tasks: 120, wealth: 1, incumbent: 0.5 });
    expect(open.decision.reason).toContain("undecided after 120 of 120 tasks");
    expect(new Set(same.asked("cand"))).toEqual(new Set(byQuestion.keys()));
  });

  it("asks in an order that is the seed's, the same in every round", async () => {
    const order = async (changes: Changes) => {
      const models = alike();
      await evaluate(look(changes), models.ports);
      return models.asked("cand");
    };
    const first = await order({});
    expect(await order({ round: 3 })).toEqual(first);
    expect(first).not.toEqual([...byQuestion.keys()]);
    expect(
      await order({ recipe: recipeWith({ gate: { test: "sequential" }, seed: 6 }) }),
    ).not.toEqual(first);
  });

  it("asks no model again what it was asked in an earlier round, and goes on from there", async () => {
    const first = better();
    const { evaluations } = await decided(look(), first);
    const second = answering((model, n) => model === "other" && n % 2 === 0);
    const next = look({
      ...{ candidate: adapterNamed("other"), incumbent: adapterNamed("cand") },
      rows: { candidate: adapterRow("other"), evaluations },
    });
    const { decision, evaluations: all } = await decided(next, second);
    expect(decision.look!.outcome).toBe("hopeless");
    expect(second.asked(null)).toEqual([]);
    expect(second.asked("cand")).toHaveLength(itemsOf(all, "cand").length - 32);
    expect(itemsOf(all, "cand").slice(0, 32)).toEqual(itemsOf(evaluations, "cand"));
    expect(itemsOf(all, "other").map(({ taskId }) => taskId)).toEqual(
      itemsOf(all, "cand").map(({ taskId }) => taskId),
    );
  });

  it("asks nothing where there is no candidate, or the incumbent's own weights again", async () => {
    const models = better();
    const without = look({ candidate: null, rows: { candidate: null, noCandidate: "too few" } });
    expect((await decided(without, models)).decision).toMatchObject({ outcome: "skipped" });
    const again = look({ incumbent: adapterNamed("cand") });
    const { decision } = await decided(again, models);
    expect(decision).toMatchObject({ outcome: "rejected", gate: null });
    expect(decision.look).toBeUndefined();
    expect(models.ports.asked).toEqual([]);
  });

  it("hands on what earlier looks did not lose", async () => {
    const levelAfter = async (earlierLooks: ("promoted" | "rejected" | "skipped")[]) => {
      const { decision } = await decided(look({ earlierLooks }), better());
      return decision.alpha;
    };
    expect(await levelAfter([])).toBeCloseTo(0.05 / 4);
    expect(await levelAfter(["rejected"])).toBeCloseTo(0.05 / 4);
    expect(await levelAfter(["rejected", "skipped", "promoted"])).toBeCloseTo(0.15 / 4);
  });

  it("does not decide on answers that end before it is decided", async () => {
    const { evaluations } = await decided(look(), alike());
    const cut = evaluations.map((each) => ({ ...each, items: each.items.slice(0, 40) }));
    const input = look({ rows: { evaluations: cut } });
    await expect(gate(input)).rejects.toThrow("undecided after 40 of 120 tasks");
  });
});

describe("several attempts a task", () => {
  const settings = { attempts: 4, temperature: 0.9 };

  it("are one greedy answer and others that are sampled, the same for both models", async () => {
    const { ports } = better();
    await evaluate(look({ settings }), ports);
    const requests = ports.asked.filter(({ adapter }) => adapter === "cand");
    const [first, ...others] = requests.slice(0, 4).map(({ request }) => request);
    expect(first!.sampling.temperature).toBe(0);
    expect(others.map(({ sampling }) => sampling.temperature)).toEqual([0.9, 0.9, 0.9]);
    expect(new Set(others.map(({ sampling }) => sampling.seed)).size).toBe(3);
    expect(others.every(({ messages }) => messages.at(-1) !== undefined)).toBe(true);
    expect(new Set(requests.map(({ request }) => JSON.stringify(request))).size).toBe(
      requests.length,
    );
    expect(
      ports.asked.filter(({ adapter }) => adapter === null).map((each) => each.request),
    ).toEqual(requests.map(({ request }) => request));
    // Three batches of 8 tasks, each two waves of 16 sequences.
    expect(requests).toHaveLength(96);
  });

  it("count by their mean: the first answers alone would have shown nothing", async () => {
    const models = answering(
      (model, _, { sampling }) => model !== null && sampling.temperature > 0,
    );
    const { decision, evaluations } = await decided(look({ settings }), models);
    expect(decision.outcome).toBe("promoted");
    expect(decision.look).toMatchObject({ attempts: 4, incumbent: 0, candidate: 0.75 });
    expect(decision.gate).toMatchObject({ gained: 0, lost: 0 });
    expect(decision.reason).toContain("gate +75.0 points, 4 attempts each (decided after");
    expect(itemsOf(evaluations, "cand")[0]!.sampled).toHaveLength(3);
  });

  it("count ungradable ones as not right", async () => {
    const items = (outcomes: readonly ("ok" | "wrong" | "ungradable")[]): Evaluation[] =>
      tasks.gate.map(({ id }) => {
        const [first, ...rest] = outcomes.map((outcome) => ({
          ...{ callKey: "call", answer: "" },
          verdict: verdictOf(outcome),
        }));
        return { taskId: id, ...first!, sampled: rest };
      });
    const evaluations: SuiteAnswers[] = [
      { suite: "gate", adapter: null, items: items(["ok", "wrong", "wrong", "wrong"]) },
      { suite: "gate", adapter: "cand", items: items(["ungradable", "ok", "ungradable", "wrong"]) },
    ];
    const { rows } = await gate(look({ settings, rows: { evaluations } }));
    expect(rows.decision!.look).toMatchObject({
      outcome: "open",
      incumbent: 0.25,
      candidate: 0.25,
    });
  });

  it("are refused with the exact test, which would not count them", async () => {
    const { contradictions } = await import("../../src/core/recipe.js");
    const messages = contradictions(recipeWith({ gate: { attempts: 2 } })).map((c) => c.message);
    expect(messages).toEqual([expect.stringContaining("set gate.test: sequential")]);
    expect(contradictions(recipeWith({ gate: { attempts: 2, test: "sequential" } }))).toEqual([]);
  });
});

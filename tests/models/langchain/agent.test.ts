import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { AgentFault, type AgentJob, type AgentTurn } from "../../../src/core/agent.js";
import {
  actionSchema,
  exactActionSchema,
  readAction,
} from "../../../src/models/langchain/action.js";
import { runAgent } from "../../../src/models/langchain/agent.js";

const add = {
  name: "add",
  schema: z.strictObject({ a: z.number(), b: z.number() }),
  run: ({ a, b }: { a: number; b: number }) => `${a + b}`,
};
const outcome = { name: "answer", schema: z.strictObject({ sum: z.number() }) };
const callables = [add, outcome];
const calls = (tool: string, given: object) => JSON.stringify({ tool, arguments: given });

function job(...answers: string[]): AgentJob<{ sum: number }> & { asked: AgentTurn[] } {
  const asked: AgentTurn[] = [];
  return {
    ...{ system: "You add.", question: "17 + 25?", tools: [add], outcome, turns: 3, asked },
    ask: async (turn) => {
      asked.push(turn);
      return { text: answers[asked.length - 1] ?? "", complete: true };
    },
    repair: (form) => `Again: ${form}`,
  };
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe("an agent", () => {
  it("calls tools by JSON, reads what they say, and ends with its outcome", async () => {
    const sums = job(calls("add", { a: 17, b: 25 }), calls("answer", { sum: 42 }));
    expect(await runAgent(sums)).toEqual({ sum: 42 });
    expect(sums.asked.map(({ turn, again }) => [turn, again])).toEqual([
      [1, false],
      [2, false],
    ]);
    expect(sums.asked[1]!.messages).toEqual([
      { role: "system", content: "You add." },
      { role: "user", content: "17 + 25?" },
      { role: "assistant", content: calls("add", { a: 17, b: 25 }) },
      { role: "user", content: "add:\n42\n\nTurns left: 2" },
    ]);
  });

  it("asks the very same in every process, whatever that did before", async () => {
    const [first, again] = [job(calls("answer", { sum: 1 })), job(calls("answer", { sum: 1 }))];
    await runAgent(first);
    await runAgent(again);
    expect(again.asked).toEqual(first.asked);
  });

  it("throws what asking threw, as it was", async () => {
    const error = new Error("out of tokens");
    const broken = { ...job(), ask: () => Promise.reject(error) };
    await expect(runAgent(broken)).rejects.toBe(error);
  });

  it("gives up on the second answer that cannot be read, or was cut off", async () => {
    await expect(runAgent(job("42", "42!"))).rejects.toThrow(AgentFault);
    const cut = {
      ...job(),
      ask: async () => ({ text: calls("answer", { sum: 42 }), complete: false }),
    };
    await expect(runAgent(cut)).rejects.toThrow("cut off");
  });

  it("sends nothing anywhere, also where the environment asks for traces", async () => {
    const fetching = vi.fn(() => Promise.reject(new Error("no network")));
    vi.stubGlobal("fetch", fetching);
    for (const name of ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"]) vi.stubEnv(name, "true");
    vi.stubEnv("LANGSMITH_API_KEY", "lsv2-none");
    const sums = job(calls("add", { a: 17, b: 25 }), calls("answer", { sum: 42 }));
    expect(await runAgent(sums)).toEqual({ sum: 42 });
    // Traces go out in batches, a little later.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(fetching).not.toHaveBeenCalled();
  });
});

describe("a call in JSON", () => {
  it.each([
    ["as it is", calls("add", { a: 1, b: 2 })],
    ["in a fence", `\`\`\`json\n${calls("add", { a: 1, b: 2 })}\n\`\`\``],
  ])("is read %s", (_how, text) => {
    expect(readAction(text, callables)).toEqual({ name: "add", args: { a: 1, b: 2 } });
  });

  it.each([
    ["other words", "add 1 and 2", "not JSON"],
    ["another shape", "[1, 2]", "expected object"],
    ["a tool that there is not", calls("toString", {}), 'no tool "toString"'],
    ["no arguments", '{"tool": "add"}', "a: "],
    ["too many arguments", calls("add", { a: 1, b: 2, c: 3 }), '"c"'],
    ["another tool's arguments", calls("answer", { a: 1, b: 2 }), "sum: "],
  ])("is none with %s", (_what, text, why) => {
    expect(readAction(text, callables)).toContain(why);
  });

  it("has a schema in which each name has its own arguments, for a grammar", () => {
    const { anyOf } = exactActionSchema(callables) as { anyOf: Record<string, object>[] };
    expect(anyOf.map(({ properties }) => properties)).toMatchObject([
      { tool: { const: "add" }, arguments: { required: ["a", "b"] } },
      { tool: { const: "answer" }, arguments: { required: ["sum"] } },
    ]);
  });

  it("has a schema without alternatives where only one thing can be called", () => {
    const of = (given: object[]) => ({ anyOf: given });
    const both = actionSchema(callables).properties as Record<string, object>;
    expect(both.arguments).toEqual(of([expect.anything(), expect.anything()]));
    const one = actionSchema([outcome]).properties as Record<string, object>;
    expect(one.arguments).toMatchObject({ type: "object", required: ["sum"] });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EmbeddedChatModel } from "../../src/models/embedded/chat-model.js";
import { answersOf, chatModelContract, requestOf } from "../contract/chat-model.js";
import { loadEngine, startEngineProcess } from "../support/machine.js";

chatModelContract("the embedded engine", () => loadEngine());
chatModelContract("the embedded engine in a process of its own", startEngineProcess);

describe("the embedded engine", () => {
  let model: EmbeddedChatModel;
  beforeAll(async () => {
    model = await loadEngine();
  });
  afterAll(() => model.dispose());

  it("is a LangChain chat model", async () => {
    const [first, second] = await Promise.all([
      model.invoke("What is the capital of France?", { sampling: { maxTokens: 8 } }),
      model.invoke([["human", "Say yes."]], { sampling: { maxTokens: 4 } }),
    ]);
    expect(first.content).not.toBe("");
    expect(first).toMatchObject({ usage_metadata: { output_tokens: expect.any(Number) } });
    expect(second.getType()).toBe("ai");
  });

  it("evaluates a prompt once for all its samples, and changes no answer by that", async () => {
    const requests = Array.from({ length: 12 }, (_, i) =>
      requestOf(i < 8 ? "Describe a small village by the sea." : `Describe ${i}.`, {
        temperature: 0.8,
        seed: i,
      }),
    );
    const shared = await answersOf(model, requests);
    const apart = await loadEngine({ sharePrefixes: false });
    const alone = await answersOf(apart, requests);
    await apart.dispose();
    expect(shared.map(({ text }) => text)).toEqual(alone.map(({ text }) => text));
    const evaluated = (answers: typeof shared) =>
      answers.reduce((sum, { evaluatedPromptTokens }) => sum + evaluatedPromptTokens, 0);
    const whole = alone.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    expect(evaluated(alone)).toBe(whole);
    // 5 distinct prompts of 12, and the template's beginning once: less than half is left.
    expect(evaluated(shared)).toBeLessThan(whole / 2);
  });

  it("answers alone as in company, with prompts for which one sequence has other kernels", async () => {
    const wide = await loadEngine({ contextTokens: 768 });
    const requests = Array.from({ length: 4 }, (_, i) =>
      requestOf(`Go on. ${`Ship ${i} left the harbour. `.repeat(85 + i)}`, {
        temperature: 0.8,
        maxTokens: 24,
        seed: i,
      }),
    );
    const together = await answersOf(wide, requests);
    expect(Math.min(...together.map(({ promptTokens }) => promptTokens))).toBeGreaterThan(512);
    const alone = [];
    for (const request of requests) alone.push(...(await answersOf(wide, [request])));
    await wide.dispose();
    expect(alone.map(({ text }) => text)).toEqual(together.map(({ text }) => text));
  });

  it("ends at the end of the turn or at maxTokens, and says which", async () => {
    const [cut, whole] = await answersOf(model, [
      requestOf("Write a long story.", { maxTokens: 5 }),
      requestOf("What is the capital of France? One word.", { maxTokens: 60 }),
    ]);
    expect(cut).toMatchObject({ stopReason: "length", completionTokens: 5 });
    expect(whole!.stopReason).toBe("end");
    expect(whole!.text).not.toContain("<|im_end|>");
  });

  it("refuses what does not fit, and says what would help", async () => {
    const long = "word ".repeat(600);
    await expect(answersOf(model, [requestOf(long)])).rejects.toMatchObject({
      kind: "model",
      message: expect.stringMatching(/need \d+ tokens; a sequence has 512/),
      hint: expect.stringContaining("model.contextTokens"),
    });
  });
});

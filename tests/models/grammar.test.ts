import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EmbeddedChatModel } from "../../src/models/embedded/chat-model.js";
import { grammarOf } from "../../src/models/embedded/grammar.js";
import { callKey } from "../../src/store/calls.js";
import { answersOf, requestOf } from "../contract/chat-model.js";
import { loadEngine, startEngineProcess } from "../support/machine.js";

const strict = (properties: object) => ({
  ...{ type: "object", properties },
  ...{ required: Object.keys(properties), additionalProperties: false },
});
const schema = strict({
  pet: { enum: ["cat", "dog"] },
  legs: { const: 4 },
  names: { type: "array", items: { type: "string", minLength: 1, maxLength: 6 }, maxItems: 2 },
  note: { anyOf: [{ type: "string", maxLength: 8 }, { type: "null" }] },
});
const fits =
  /^\{"pet": "(cat|dog)", "legs": 4, "names": \[("[^"]{1,7}"(, "[^"]{1,7}")?)?\], "note": (null|"[^"]*")\}$/;

describe("a schema as a grammar", () => {
  // Another text of it gives other answers to requests that are in databases: see AGENTS.md.
  it("is written in one form, whatever the order of its members", () => {
    const given = strict({ b: { type: "integer" }, a: { type: "boolean" } });
    const { b, a } = given.properties as { b: object; a: object };
    expect(grammarOf(given).split("\n")[0]).toBe(
      String.raw`root ::= "{" "\"b\": " integer ", " "\"a\": " ("true" | "false") "}"`,
    );
    const turned = { ...given, properties: { a, b } };
    expect(grammarOf(turned)).toBe(grammarOf(given));
    // Such a request has the same key, so that it must have the same answer.
    const keyOf = (of: object) => callKey({ ...requestOf("x"), schema: { ...of } }, "model", null);
    expect(keyOf(turned)).toBe(keyOf(given));
    expect(grammarOf({ const: 'a "b" \\ c' })).toContain(String.raw`"\"a \\\"b\\\" \\\\ c\""`);
  });

  it.each([
    ["a string without end", strict({ a: { type: "string" } }), "/a has no maxLength"],
    ["a list without end", strict({ a: { type: "array", items: {} } }), "/a has no maxItems"],
    ["a pattern", { type: "string", maxLength: 3, pattern: "^a" }, "its root has pattern"],
    ["a range", strict({ a: { type: "integer", minimum: 1 } }), "/a has minimum"],
    ["a reference", { $ref: "#/$defs/a" }, "its root has the type undefined"],
    ["what is not named", { type: "object", properties: {} }, "members that it does not name"],
    [
      "what need not be there",
      { ...strict({ a: { type: "null" } }), required: [] },
      "/a need not be there",
    ],
    ["two constraints", { anyOf: [{ const: 1 }], type: "number" }, "its root has type"],
    ["nothing to choose", { enum: [] }, "its root has nothing to choose from"],
    ["a list in a list", { anyOf: [strict({ a: { not: {} } })] }, "/anyOf/0/a has the type"],
  ])("is refused with %s, by its place", (_what, given, why) => {
    expect(() => grammarOf(given)).toThrow(why);
  });
});

describe("the embedded engine with a schema", () => {
  let model: EmbeddedChatModel;
  beforeAll(async () => {
    model = await loadEngine();
  });
  afterAll(() => model.dispose());
  const held = (seed: number) => ({
    ...requestOf("Tell me about your pet.", { temperature: 1.2, maxTokens: 80, seed }),
    schema,
  });

  it("holds answers to it, and others beside them are the same to the last letter", async () => {
    const free = [1, 2].map((seed) => requestOf("Write of a river.", { temperature: 0.9, seed }));
    const alone = await answersOf(model, free);
    const mixed = await answersOf(model, [held(1), free[0]!, held(2), held(3), free[1]!]);
    expect([mixed[1]!.text, mixed[4]!.text]).toEqual(alone.map(({ text }) => text));
    for (const { text, stopReason } of [mixed[0]!, mixed[2]!, mixed[3]!]) {
      expect(text).toMatch(fits);
      expect(stopReason).toBe("end");
    }
    // Alone and in another order, as where a killed stage goes on.
    const [third] = await answersOf(model, [held(3)]);
    expect(third!.text).toBe(mixed[3]!.text);
    expect(new Set([0, 2, 3].map((at) => mixed[at]!.text)).size).toBeGreaterThan(1);
  });

  it("says of an answer that it was cut, and gives its log-probabilities", async () => {
    const { sampling, messages } = held(1);
    const short = { messages, schema, topLogprobs: 2, sampling: { ...sampling, maxTokens: 5 } };
    const [cut] = await answersOf(model, [short]);
    expect(cut).toMatchObject({ stopReason: "length", completionTokens: 5 });
    expect(cut!.text).toMatch(/^\{"/);
    // Of the whole distribution: what the grammar forces is no more likely for that.
    expect(cut!.logprobs![0]!.logprob).toBeLessThan(-0.01);
  });

  it("refuses one that it does not wholly understand, and answers nothing", async () => {
    const endless = { ...requestOf("Hello."), schema: { type: "string" } };
    await expect(answersOf(model, [requestOf("Hello."), endless])).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("its root has no maxLength"),
    });
  });

  it("does so in a process of its own, with the same words", async () => {
    const apart = await startEngineProcess();
    const [far, near] = [await answersOf(apart, [held(2)]), await answersOf(model, [held(2)])];
    await expect(
      answersOf(apart, [{ ...requestOf("Hello."), schema: { not: {} } }]),
    ).rejects.toThrow("its root has the type undefined");
    await apart.dispose();
    expect(far[0]!.text).toBe(near[0]!.text);
  });
});

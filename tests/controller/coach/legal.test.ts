import { describe, expect, it } from "vitest";
import { legalForms } from "../../../src/controller/coach/legal.js";
import { accept } from "../../../src/controller/coach/proposal.js";
import { proposePlan } from "../../../src/controller/coach/propose.js";
import type { LeverSettings, Observation } from "../../../src/core/policy.js";
import { grammarOf } from "../../../src/models/embedded/grammar.js";
import { exactActionSchema, jsonSchemaOf } from "../../../src/models/langchain/action.js";
import { ScriptedChatModel } from "../../../src/models/scripted.js";
import {
  call,
  coachInput,
  coachPorts,
  observation,
  proposal,
  saying,
} from "../../support/coach.js";

const objection = () => null;
const free = { objection, lessonObjection: () => null };
const nothing = {
  cluster: null,
  lesson: null,
  variant: null,
  stop: null,
  because: "It is worth a try.",
};

/** Every setting that a grammar lets through. */
function settingsIn(seen: Observation, objecting: (of: LeverSettings) => string | null) {
  const { proposal } = legalForms(seen, { ...free, objection: objecting });
  const json = jsonSchemaOf(proposal) as {
    properties: { settings: { items: { anyOf?: Choice[] }; maxItems: number } };
  };
  const { items, maxItems } = json.properties.settings;
  expect(maxItems).toBe(items.anyOf === undefined ? 0 : 1);
  return (items.anyOf ?? []).flatMap(({ properties: { lever, value } }) =>
    (value.enum ?? [value.const]).map((each) => ({ lever: lever.const, value: each })),
  );
}
interface Choice {
  readonly properties: {
    readonly lever: { readonly const: string };
    readonly value: { readonly const?: unknown; readonly enum?: readonly unknown[] };
  };
}

const schemaOf = (seen: Observation) =>
  JSON.stringify(jsonSchemaOf(legalForms(seen, free).proposal));

describe("what a grammar lets a coach write", () => {
  it("is a setting that would be taken, and changes something", async () => {
    const settings = settingsIn(observation, objection);
    expect(settings.map(({ lever }) => lever)).not.toContain("elicit.tasksPerRound");
    expect(settings).toContainEqual({ lever: "critique.prompt", value: "checklist" });
    expect(
      settings.flatMap(({ lever, value }) => (lever === "critique.trial" ? [value] : [])),
    ).toEqual(["checklist", "none"]);
    const trying = { ...observation, recipe: { ...observation.recipe, "critique.trial": "none" } };
    expect(settingsIn(trying, objection)).toContainEqual({
      ...{ lever: "critique.trial", value: "no trial" },
    });
    expect(settings.filter(({ lever }) => lever === "generate.attempts")).toHaveLength(5);
    for (const setting of settings) {
      const { settings: taken } = await accept(
        { ...nothing, settings: [setting as never] },
        ...([observation, { ...free, leaks: () => false, variant: null }] as const),
      );
      expect(taken).toEqual({ [setting.lever]: setting.value });
    }
  });

  it("has no value that contradicts the recipe, and no setting where none is left", () => {
    const few = settingsIn(observation, (of) => ("retrain.rank" in of ? "no" : null));
    expect(few.map(({ lever }) => lever)).toContain("generate.attempts");
    expect(few.map(({ lever }) => lever)).not.toContain("retrain.rank");
    const none = settingsIn(observation, () => "it contradicts");
    expect(none).toEqual([]);
    // Rank 8 learned what the incumbent knows: another rank could not go on from it.
    const from = { ...observation.recipe, "retrain.from": "incumbent" };
    const going = settingsIn({ ...observation, incumbentRank: 8, recipe: from }, objection);
    expect(going.map(({ lever }) => lever)).not.toContain("retrain.rank");
  });

  it("has no value that would cost more than the margin allows", () => {
    const attempts = (cost: number) =>
      settingsIn({ ...observation, margins: { cost } }, objection)
        .filter(({ lever }) => lever === "generate.attempts")
        .map(({ value }) => value);
    expect(attempts(1)).toEqual([2, 3, 5, 6, 8]);
    expect(attempts(0.5)).toEqual([2, 3, 5, 6]);
    expect(attempts(0)).toEqual([2, 3]);
  });

  it("names clusters that have tasks, and never asks to stop", () => {
    expect(schemaOf(observation)).toContain('["c1","c2"]');
    const none = { ...observation, clusters: [] };
    const { cluster, proposal } = legalForms(none, free);
    expect(cluster).toBeNull();
    const { properties } = jsonSchemaOf(proposal) as { properties: Record<string, object> };
    const never = { type: "null" };
    expect(properties).toMatchObject({ cluster: never, lesson: never, stop: never });
    const gone = observation.clusters.map((each) => ({ ...each, state: "gone" as const }));
    expect(legalForms({ ...observation, clusters: gone }, free).cluster).toBeNull();
  });

  it("has no lesson where none is kept", () => {
    const none = legalForms(observation, { ...free, lessonObjection: null }).proposal;
    const { properties } = jsonSchemaOf(none) as { properties: Record<string, object> };
    expect(properties).toMatchObject({ lesson: { type: "null" }, cluster: { anyOf: [{}, {}] } });
  });

  it.each([observation, { ...observation, clusters: [], rounds: [] }])(
    "is a schema that the embedded engine understands",
    (seen) => {
      const { proposal } = legalForms(seen, free);
      const grammar = grammarOf(exactActionSchema([{ name: "propose", schema: proposal }]));
      expect(grammar).toContain(String.raw`"\"propose\""`);
    },
  );
});

describe("a coach that is held by a grammar", () => {
  it("is asked with it in every turn: each tool with its own arguments, and none twice for nothing", async () => {
    const looks = [call("rounds"), call("critiques", { cluster: "c1" }), proposal()];
    const model = new ScriptedChatModel("coach", saying(...looks));
    const full = { settings: [], ...nothing, because: "More tries find more." };
    const last = new ScriptedChatModel(
      "coach",
      saying(looks[0]!, looks[1]!, call("propose", full)),
    );
    const plan = await proposePlan(coachInput(), coachPorts(last, { held: "grammar" }));
    expect(plan).toMatchObject({ author: "coach", fallback: null });
    const tools = last.ledger.map(({ request }) =>
      (request.schema as { anyOf: { properties: { tool: { const: string } } }[] }).anyOf.map(
        ({ properties }) => properties.tool.const,
      ),
    );
    const all = ["rounds", "clusters", "lessons", "budget"];
    expect(tools.map((names) => all.filter((name) => names.includes(name)))).toEqual([
      all,
      all.slice(1),
      all.slice(1),
    ]);
    expect(tools.every((names) => names.includes("critiques"))).toBe(true);
    for (const { request } of last.ledger) expect(() => grammarOf(request.schema!)).not.toThrow();
    await proposePlan(coachInput(), coachPorts(model));
    expect(model.ledger.every(({ request }) => request.schema === undefined)).toBe(true);
  });

  it("has nothing to ask of critiques where there is no group of failures", async () => {
    const model = new ScriptedChatModel("coach", () =>
      call("propose", { settings: [], ...nothing }),
    );
    const input = coachInput({ observation: { ...observation, clusters: [] } });
    await proposePlan(input, coachPorts(model, { held: "grammar" }));
    expect(JSON.stringify(model.ledger[0]!.request.schema)).not.toContain("critiques");
  });

  it("is left room for the longest of its answers, where the context has it", async () => {
    const rooms = async (held: "not" | "grammar") => {
      const looks = [
        call("rounds"),
        call("clusters"),
        call("lessons"),
        call("propose", { settings: [], ...nothing }),
      ];
      const model = new ScriptedChatModel("coach", saying(...looks));
      const contextTokens = 600;
      await proposePlan(coachInput(), coachPorts(model, { held, contextTokens }));
      return model.ledger.map(({ request }) => request.sampling.maxTokens);
    };
    const [free, held] = [await rooms("not"), await rooms("grammar")];
    expect(Math.min(...free)).toBeLessThan(320);
    expect(Math.min(...held)).toBeGreaterThanOrEqual(320);
  });
});

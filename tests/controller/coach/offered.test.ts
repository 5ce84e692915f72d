import { describe, expect, it, vi } from "vitest";
import { proposePlan } from "../../../src/controller/coach/propose.js";
import type { RoundSeen } from "../../../src/core/policy.js";
import { ScriptedChatModel } from "../../../src/models/scripted.js";
import {
  call,
  coachInput,
  coachPorts,
  observation,
  proposal,
  saying,
  told,
} from "../../support/coach.js";

const coach = (...answers: string[]) => new ScriptedChatModel("coach", saying(...answers));
const input = coachInput();

describe("what a coach is offered", () => {
  const roundsOf = (...outcomes: RoundSeen["outcome"][]) =>
    outcomes.map((outcome, i) => ({ ...observation.rounds[0]!, number: i + 1, outcome }));

  it.each([
    [[], false],
    [["rejected"], false],
    [["rejected", "skipped"], false],
    [["promoted", "rejected"], false],
    [["rejected", "rejected"], true],
    [["promoted", "rejected", "skipped", "rejected"], true],
    [["rejected", "rejected", "promoted"], false],
  ] as const)(
    "may ask to stop after two decided rounds without a promotion (%j)",
    async (outcomes, may) => {
      const seen = { ...observation, rounds: roundsOf(...outcomes), round: outcomes.length + 1 };
      const asked = { ...input, observation: seen };
      const stopping = proposal({ stop: "Nothing has moved for\nthree rounds." });
      const plan = await proposePlan(asked, coachPorts(coach(stopping)));
      expect(plan.stop).toBe(may ? "Nothing has moved for three rounds." : null);
      expect(plan.fallback ?? "taken").toMatch(may ? /^taken$/ : /^refused: it (asks to )?stops?/);
      // What a server's schema lets through is the same.
      const held = coach(proposal());
      await proposePlan(asked, coachPorts(held, { held: "schema" }));
      const never = JSON.stringify(held.ledger[0]!.request.schema).includes(
        '"stop":{"type":"null"}',
      );
      expect(never).toBe(!may);
    },
  );

  it("is told of lessons, and can write one, only where they are kept", async () => {
    const lessons = proposal({ lesson: { cluster: "c1", text: "Write the carry down." } });
    const none = { lessonObjection: null };
    const model = coach(lessons);
    const plan = await proposePlan(input, coachPorts(model, none));
    expect(plan.fallback).toMatch(/^refused: it writes a lesson, and this recipe keeps none$/);
    const texts = (asked: ScriptedChatModel) =>
      asked.ledger[0]!.request.messages.map(({ content }) => content).join("\n");
    expect(texts(model)).not.toContain('"lesson"');
    const keeping = coach(lessons);
    expect((await proposePlan(input, coachPorts(keeping))).decisions).toMatchObject([
      { what: "lesson", to: "Write the carry down." },
    ]);
    expect(texts(keeping)).toContain('"lesson": {"cluster": ID, "text": TEXT}');
    const held = coach(lessons, proposal());
    const schema = async (ports: object) => {
      await proposePlan(input, coachPorts(held, { held: "schema", ...ports }));
      return JSON.stringify(held.ledger.at(-1)!.request.schema);
    };
    expect(await schema(none)).toContain('"lesson":{"type":"null"}');
    expect(await schema({})).not.toContain('"lesson":{"type":"null"}');
  });

  it("is refused a lesson that the memory would not keep", async () => {
    const lesson = { cluster: "c1", text: "Write the carry down." };
    const lessonObjection = vi.fn(() => "it says what was forgotten");
    const plan = await proposePlan(
      input,
      coachPorts(coach(proposal({ lesson })), { lessonObjection }),
    );
    expect(plan.fallback).toBe("refused: its lesson would not be kept: it says what was forgotten");
    expect(lessonObjection).toHaveBeenCalledWith({ ...lesson, cluster: "cluster_carry" });
  });

  it("is refused what no plan may have, in the same way", async () => {
    const seen = { ...observation, incumbentRank: 8 };
    const settings = [
      { lever: "retrain.from", value: "incumbent" },
      { lever: "retrain.rank", value: 16 },
    ];
    const asked = { ...input, observation: seen };
    const plan = await proposePlan(asked, coachPorts(coach(proposal({ settings }))));
    expect(plan.fallback).toMatch(/^refused: it goes on from an incumbent of rank 8 with rank 16/);
    expect(plan.decisions[0]).toMatchObject({ rule: "coach", what: "plan", from: "coach" });
  });

  it("is told what a round did otherwise than the recipe, and why it was decided so", async () => {
    const [round] = observation.rounds;
    const settings = { ...round!.settings, "generate.attempts": 8, "retrain.from": "incumbent" };
    const reason =
      "not shown to be better: gate +3.5 points (12 gained, 5 lost, p 0.072, level 0.012)";
    const rounds = [{ ...round!, settings, reason }];
    const model = coach(call("rounds"), proposal());
    await proposePlan({ ...input, observation: { ...observation, rounds } }, coachPorts(model));
    const line =
      "Round 1, generate.attempts 8, retrain.from incumbent: rejected " +
      "(not shown to be better: gate +3.5 points (12 gained, 5 lost, p 0.072, level 0.012)), right attempts";
    const question = model.ledger[0]!.request.messages.find(({ role }) => role === "user")!;
    expect(question.content).toContain(line);
    const looked = told(model.ledger.at(-1)!.request, "rounds")!;
    expect(looked).toContain(line);
    expect(looked).toContain("tokens 9000");
    expect(looked).toContain("retention 40 to 39 of 40, worst loss 0.08, margin 0.1");
    // Rank 8 and 4 attempts are the recipe's: a round that had them says nothing of them.
    const plain = coach(proposal());
    await proposePlan(input, coachPorts(plain));
    expect(plain.ledger[0]!.request.messages[1]!.content).toContain("Round 1: rejected (");
  });
});

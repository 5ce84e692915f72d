import { leakIn } from "../../core/leaks.js";
import { modelOf } from "../../core/model.js";
import { applyProblem } from "../../core/plan.js";
import type { Observation, Plan } from "../../core/policy.js";
import type { ModelCapabilities } from "../../core/ports.js";
import { adaptive } from "../../policy/adaptive.js";
import type { StagePorts } from "../../stages/types.js";
import type { RunRow } from "../../store/runs.js";
import { clockOf, type RunContext } from "../unit.js";
import { lessonObjection } from "./lesson.js";
import { proposePlan } from "./propose.js";
import type { CoachPorts, CritiqueSeen } from "./types.js";
import { variedPrompt, writtenVariant } from "./variant.js";

/** Rounds whose critiques a coach may look at. */
const recentRounds = 2;

/**
 * The coach's plan of a run's next round, or the rules' in its place; see {@link proposePlan}.
 *
 * @param portsOf What the coach's turns are asked through, until the signal is aborted.
 */
export function coachPlan(
  context: RunContext,
  run: RunRow,
  observation: Observation,
  portsOf: (signal: AbortSignal) => StagePorts,
): Promise<Plan> {
  const { policy } = run.recipe;
  const { coach, models, signal, tasks } = context;
  if (policy.kind !== "coach" || coach == null) throw new Error(`run ${run.id} has no coach`);
  const all = Object.values(tasks).flat();
  const held = heldBy(models.coach.capabilities);
  const parent = variedPrompt(context, run);
  const ports: CoachPorts = {
    complete: (until) => portsOf(AbortSignal.any([signal, until])).complete,
    held,
    contextTokens: modelOf(run.recipe, "coach").contextTokens,
    tokensOf: async (messages) =>
      (await models.coach.countTokens([models.coach.render(messages)]))[0] as number,
    runAgent: coach.runAgent,
    rules: adaptive,
    objection: (settings, written) => {
      const known = [...context.critiques().keys()];
      return applyProblem(run.recipe, settings, written ? [...known, written.name] : known);
    },
    // Who is held to short texts could name no variable.
    variant:
      held === "grammar" || parent === null
        ? null
        : (text) => writtenVariant(context, run, observation.round, text),
    lessonObjection: run.recipe.longTerm?.write
      ? (lesson) => lessonObjection(context.store, run, observation.round, lesson)
      : null,
    leaks: (text) => leakIn(text, "", all) !== null,
    clock: clockOf(context),
    signal,
  };
  const critiques = critiquesSeen(context, run, observation.round);
  const critiquePrompt = ports.variant === null ? null : parent!.user;
  return proposePlan(
    { observation, critiques, settings: policy, prompts: coach.prompts, critiquePrompt },
    ports,
  );
}

function heldBy({ schema, grammar }: ModelCapabilities): CoachPorts["held"] {
  if (grammar === true) return "grammar";
  return schema ? "schema" : "not";
}

function critiquesSeen({ store, tasks }: RunContext, run: RunRow, round: number): CritiqueSeen[] {
  const prompts = new Map(tasks.train.map(({ id, prompt }) => [id, prompt]));
  const before = Array.from({ length: recentRounds }, (_, ago) => round - 1 - ago);
  return before
    .filter((number) => number > 0)
    .flatMap((number) => {
      const { attempts, critiques } = store.rounds.load(run.id, number);
      const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]));
      return critiques.flatMap(({ attemptId, text }): CritiqueSeen[] => {
        const attempt = byId.get(attemptId);
        const task = attempt && prompts.get(attempt.taskId);
        if (attempt === undefined || task === undefined) return [];
        return [{ taskId: attempt.taskId, task, answer: attempt.answer, critique: text }];
      });
    });
}

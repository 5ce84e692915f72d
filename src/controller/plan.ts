import { RedistillError } from "../core/errors.js";
import {
  applyPlan,
  applyProblem,
  critiquePromptsOf,
  decisionText,
  planProblem,
} from "../core/plan.js";
import type { Observation, Plan } from "../core/policy.js";
import type { Prompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import { adaptive } from "../policy/adaptive.js";
import type { StagePorts, StagePrompts } from "../stages/types.js";
import type { RunRow } from "../store/runs.js";
import { coachPlan } from "./coach/in-run.js";
import { keepLesson } from "./coach/lesson.js";
import { commitAt } from "./commit.js";
import type { Ledger } from "./ledger.js";
import { observe, observeOnce } from "./observe/index.js";
import type { RunContext } from "./unit.js";

/** Before a round: what its policy asks a coach. */
export const planning = "plan";

/**
 * The plan of a round that has not begun: that which was made before, or a new one, which is a row before anything
 * acts on it.
 *
 * @param portsOf What a coach's turns are asked through; the keys of its calls go into the set.
 * @returns null where the policy is fixed.
 */
export async function planFor(
  context: RunContext,
  run: RunRow,
  round: number,
  ledger: Ledger,
  portsOf: (signal: AbortSignal, asked: Set<string>) => StagePorts,
): Promise<Plan | null> {
  const { store } = context;
  const { policy } = run.recipe;
  if (policy.kind === "fixed") return null;
  const known = store.plans.find(run.id, round);
  if (known !== null) return known;
  const asked = new Set<string>();
  const look = policy.kind === "coach" ? observeOnce : observe;
  const observation = look(context, run, round, ledger);
  const proposed =
    policy.kind === "coach"
      ? await coachPlan(context, run, observation, (signal) => portsOf(signal, asked))
      : adaptive(observation);
  requireFollowable(run.recipe, proposed, observation, [...context.critiques().keys()]);
  const plan = commitAt(store, "plan", () => {
    const kept = keepLesson(store, run, proposed);
    if (kept.variant) store.runs.addPrompt(run.id, { stage: "critique", ...kept.variant });
    store.plans.insert(run.id, kept, observation);
    store.calls.use(run.id, planning, asked);
    ledger.write();
    return kept;
  });
  for (const text of planNotes(plan)) context.observe({ kind: "note", text });
  return plan;
}

/**
 * A plan that may be followed, whoever made it: levers within their limits, tasks that may be learned from. What a coach
 * asks for beyond that was refused when it proposed.
 *
 * @throws RedistillError `internal` for one that may not.
 */
export function requireFollowable(
  recipe: Recipe,
  plan: Plan,
  observation: Observation,
  critiques: readonly string[] = critiquePromptsOf(recipe),
): void {
  const names = plan.variant ? [...critiques, plan.variant.name] : critiques;
  const problem = planProblem(plan, observation) ?? applyProblem(recipe, plan.settings, names);
  if (problem === null) return;
  throw new RedistillError(
    "internal",
    `the plan of round ${observation.round} cannot be followed: ${problem}`,
    "Please report it with the run's database; policy.kind: fixed goes without plans.",
  );
}

/** What watchers are told of a plan, a sentence for each decision. */
export function planNotes({ round, decisions, fallback, stop }: Plan): string[] {
  const of = (text: string) => `Plan, round ${round}: ${text}`;
  return [
    ...(fallback === null ? [] : [of(`the coach's proposal was not taken: ${fallback}.`)]),
    ...decisions.map((decision) =>
      of(`${decision.rule}: ${decisionText(decision)}; ${decision.because}`),
    ),
    ...(decisions.length > 0 || stop !== null ? [] : [of("as the recipe says.")]),
  ];
}

/** What a round works with. */
export interface RoundSettings {
  readonly recipe: Recipe;
  readonly prompts: StagePrompts;
  readonly plannedTasks: readonly string[] | null;
}

/** The recipe and prompts of a round under its plan; the run's own where it has none. */
export function settingsOf(
  { store, prompts, critiques }: RunContext,
  run: RunRow,
  round: number,
): RoundSettings {
  const plan = store.plans.find(run.id, round);
  if (plan === null && !run.recipe.critique?.trial) {
    return { recipe: run.recipe, prompts, plannedTasks: null };
  }
  const known = critiques();
  const recipe = applyPlan(run.recipe, plan?.settings ?? {}, [...known.keys()]);
  const of = (name: string | null | undefined) => (name ? frozen(known, name, run.id) : null);
  const [critique, trial] = [of(recipe.critique?.prompt), of(recipe.critique?.trial)];
  return { recipe, prompts: { ...prompts, critique, trial }, plannedTasks: plan?.tasks ?? null };
}

function frozen(critiques: ReadonlyMap<string, Prompt>, name: string, runId: string): Prompt {
  const found = critiques.get(name);
  if (found) return found;
  throw new RedistillError(
    "internal",
    `run ${runId} has no prompt critique/${name} of its beginning`,
    "Please report it with the run's database.",
  );
}

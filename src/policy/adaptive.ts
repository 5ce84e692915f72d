import { noTrial, trialIn } from "../core/levers.js";
import type { Lever, LeverSettings, Observation, Plan, PolicyDecision } from "../core/policy.js";
import type { Rule } from "./rule.js";
import { continueOrRestart } from "./rules/continue-or-restart.js";
import { critiquePays } from "./rules/critique-pays.js";
import { forgetting } from "./rules/forgetting.js";
import { learnableTasks } from "./rules/learnable-tasks.js";
import { moreAttempts } from "./rules/more-attempts.js";
import { overfitting } from "./rules/overfitting.js";
import { plateau } from "./rules/plateau.js";
import { rank } from "./rules/rank.js";
import { refineBudget } from "./rules/refine-budget.js";
import { temperature } from "./rules/temperature.js";
import { costAuthor, withinCost } from "./within-cost.js";

/**
 * The rules in their order, which settles conflicts: what one has moved no later one moves in the same plan. Not to
 * forget comes first, then how it trains, then what it trains on, and last whether to go on at all.
 */
export const rules: Readonly<Record<string, Rule>> = {
  forgetting,
  overfitting,
  "continue-or-restart": continueOrRestart,
  rank,
  "critique-pays": critiquePays,
  "refine-budget": refineBudget,
  "more-attempts": moreAttempts,
  temperature,
  "learnable-tasks": learnableTasks,
  plateau,
};

/**
 * The plan of the next round by rules, from what the rounds before it came to. It begins with the settings of the last
 * round; each decision keeps the figures that it rests on. Before the first round it is the recipe as written.
 *
 * What would cost more than the recipe's margin allows is taken back at once, and that is a decision too: first of what
 * the last round had, then of each rule's own. So the earlier rules have what there is, and later ones see what is done.
 *
 * @param wanted The rules to go by, in their order; all of them by default.
 *
 * @example
 * const plan = adaptive(observation);
 */
export function adaptive(
  observation: Observation,
  wanted: readonly Rule[] = Object.values(rules),
): Plan {
  const last = startingSettings(observation);
  const decisions = withinCost(observation, observation.recipe, last);
  let settings = { ...last, ...settingsIn(decisions) };
  let tasks: Plan["tasks"] = null;
  let stop: string | null = null;
  for (const rule of wanted) {
    const ruling = rule(observation, settings);
    const open = ruling.decisions.filter(
      ({ what }) => !decisions.some((own) => own.what === what && own.rule !== costAuthor),
    );
    const moved = { ...settings, ...settingsIn(open) };
    const tooMuch = withinCost(observation, settings, moved);
    settings = { ...moved, ...settingsIn(tooMuch) };
    decisions.push(...open, ...tooMuch);
    tasks ??= ruling.tasks ?? null;
    stop ??= ruling.stop ?? null;
  }
  const { round } = observation;
  const { recipe } = observation;
  const differing = withoutTwin(recipe, differences(settings, recipe));
  return { round, author: "adaptive", settings: differing, tasks, decisions, stop, fallback: null };
}

/** Levers as in the last round, within today's limits; before the first as the recipe has them. A coach's trial is for one round. */
function startingSettings({ rounds, recipe, limits }: Observation): LeverSettings {
  const last = rounds.at(-1)?.settings ?? {};
  return Object.fromEntries(
    Object.entries(recipe).map(([lever, own]) => {
      const value = lever === "critique.trial" ? own : (last[lever as Lever] ?? own);
      const limit = limits[lever as Lever];
      if (typeof value !== "number" || limit === undefined) return [lever, value];
      return [lever, Math.min(limit.most, Math.max(limit.least, value))];
    }),
  );
}

/** A recipe's trial of the very prompt that the round has come to is none. */
function withoutTwin(recipe: LeverSettings, planned: LeverSettings): LeverSettings {
  const prompts = trialIn(recipe, planned);
  return prompts !== null && prompts.own === prompts.tried
    ? { ...planned, "critique.trial": noTrial }
    : planned;
}

function settingsIn(decisions: readonly PolicyDecision[]): LeverSettings {
  return Object.fromEntries(
    decisions.flatMap(({ what, to }) =>
      what === "tasks" || what === "stop" || what === "lesson" ? [] : [[what, to]],
    ),
  );
}

function differences(settings: LeverSettings, recipe: LeverSettings): LeverSettings {
  return Object.fromEntries(
    Object.entries(settings).filter(([lever, value]) => recipe[lever as Lever] !== value),
  );
}

import { costProblem } from "./cost.js";
import { messageOf, RedistillError } from "./errors.js";
import {
  critiqueIn,
  type HasLevers,
  isWhole,
  leverNames,
  noTrial,
  silentCritique,
} from "./levers.js";
import {
  type Lever,
  type LeverSettings,
  type LeverValue,
  levers,
  type Observation,
  type Plan,
  type PolicyDecision,
} from "./policy.js";
import { contradictions, type Recipe, recipeSchema } from "./recipe.js";

/**
 * A recipe with the settings of a plan. Nothing but levers can be set: a plan that names another key is refused, and the
 * result is a valid recipe that differs in nothing else (`retrain.alpha` follows the rank, so that the adapter's scale
 * stays what the recipe has).
 *
 * @param critiques Names of the critique prompts that the run has.
 * @throws RedistillError `internal` for a key that is no lever, for a lever that the recipe lacks, and for a value that
 *   its key cannot have.
 */
export function applyPlan(
  recipe: Recipe,
  settings: LeverSettings,
  critiques: readonly string[] = critiquePromptsOf(recipe),
): Recipe {
  const draft = structuredClone(recipe) as Recipe;
  for (const [name, value] of Object.entries(settings)) {
    if (!levers.includes(name as Lever)) throw refused(`sets ${name}, which is no lever`);
    if (isPromptLever(name) && value !== noTrial && !critiques.includes(String(value))) {
      throw refused(`takes prompt critique/${value}, which is not among the run's`);
    }
    set(draft, recipe, name as Lever, value);
  }
  // After the prompt, which it takes the place of.
  if (settings.critique === false) setAt(draft, ["critique", "prompt"], silentCritique);
  const parsed = recipeSchema.safeParse(draft);
  const [problem] = parsed.success ? contradictions(parsed.data) : parsed.error.issues;
  if (parsed.success && problem === undefined) return parsed.data;
  throw refused(`makes no valid recipe: ${problem?.path.join(".")}: ${problem?.message}`);
}

/** Why no recipe comes of these settings, see {@link applyPlan}; null where one does. */
export function applyProblem(
  recipe: Recipe,
  settings: LeverSettings,
  critiques?: readonly string[],
): string | null {
  try {
    applyPlan(recipe, settings, critiques);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function set(draft: Recipe, recipe: Recipe, lever: Lever, value: LeverValue): void {
  if (lever === "critique") {
    if (recipe.critique === null || typeof value !== "boolean") {
      throw refused("turns a critique on or off that the recipe does not have");
    }
    return;
  }
  setAt(draft, lever.split("."), lever === "critique.trial" && value === noTrial ? null : value);
  if (lever === "retrain.rank") setAt(draft, ["retrain", "alpha"], alphaAt(recipe, Number(value)));
}

/** alpha / rank, by which an adapter's effect is scaled, stays as it is. */
function alphaAt({ retrain }: Recipe, rank: number): number {
  if (retrain.method === "memory" || !retrain.rank || !retrain.alpha) {
    throw refused("sets the rank of an adapter that the recipe does not have");
  }
  return (retrain.alpha / retrain.rank) * rank;
}

const isPromptLever = (name: string) => name === "critique.prompt" || name === "critique.trial";

function setAt(draft: Recipe, path: readonly string[], value: LeverValue | null): void {
  const holder = path
    .slice(0, -1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], draft);
  if (holder === null || holder === undefined) {
    throw refused(`sets ${path.join(".")}, which the recipe does not have`);
  }
  (holder as Record<string, unknown>)[path.at(-1)!] = value;
}

function refused(what: string): RedistillError {
  return new RedistillError("internal", `the plan ${what}`, `A plan may set: ${leverNames}.`);
}

/** Names of the critique prompts that a plan may choose from, the recipe's own first; empty without a critique. */
export function critiquePromptsOf({ critique, policy }: HasLevers): readonly string[] {
  if (critique === null) return [];
  const tried = critique.trial === null ? [] : [critique.trial];
  const more = policy.kind === "fixed" ? [] : policy.critiquePrompts;
  return [...new Set([critique.prompt, ...tried, ...more])];
}

/**
 * The critique prompts that may be tried beside the one that a round has: the other ones, and saying nothing, by which
 * it is seen whether a critique does anything at all.
 */
export function trialsOf(
  { recipe, critiquePrompts }: Pick<Observation, "recipe" | "critiquePrompts">,
  settings: LeverSettings,
): readonly string[] {
  const own = critiqueIn(recipe, settings);
  const known = new Set([...critiquePrompts, silentCritique]);
  return recipe["critique.trial"] === undefined ? [] : [...known].filter((name) => name !== own);
}

/**
 * Why a plan may not be followed, in a sentence that names what it claims; null where it may. Whoever made it, only
 * levers within their limits, at a cost within its margin, and tasks that may be learned from are taken.
 */
export function planProblem(plan: Plan, observation: Observation): string | null {
  if (plan.round !== observation.round) return `it is for round ${plan.round}`;
  if (plan.stop !== null && observation.rounds.length === 0) {
    return "it stops before anything was tried";
  }
  if (plan.stop !== null && plan.author === "coach" && !coachMayStop(observation)) {
    return `it asks to stop, and that counts only after ${roundsBeforeStop} decided rounds in a row without a promotion`;
  }
  for (const [lever, value] of Object.entries(plan.settings)) {
    const problem = settingProblem(lever, value, observation);
    if (problem !== null) return problem;
  }
  return (
    trialProblem(plan, observation) ??
    taskProblem(plan.tasks, observation) ??
    rankProblem(plan.settings, observation) ??
    costProblem(observation, { ...observation.recipe, ...plan.settings }, plan.tasks?.length)
  );
}

/** Decided rounds without a promotion after which a coach's word may end a run: one sentence takes back no night. */
const roundsBeforeStop = 2;

/** Whether a coach may ask to stop: the last rounds that came to a decision, whatever was skipped between, promoted nothing. */
export function coachMayStop({ rounds }: Pick<Observation, "rounds">): boolean {
  const decided = rounds.filter(({ outcome }) => outcome !== "skipped").slice(-roundsBeforeStop);
  return (
    decided.length === roundsBeforeStop && decided.every(({ outcome }) => outcome === "rejected")
  );
}

function settingProblem(name: string, value: unknown, observation: Observation): string | null {
  const { recipe, limits, critiquePrompts } = observation;
  const lever = name as Lever;
  if (!levers.includes(lever)) return `it sets ${name}, which is no lever`;
  const own = recipe[lever];
  if (own === undefined) return `it sets ${lever}, which this recipe does not have`;
  // Texts are not repeated: a model may have written them, and the sentence is shown.
  if (typeof value !== typeof own) return `it sets ${lever} to a ${typeof value}`;
  if (lever === "critique.prompt") {
    return critiquePrompts.includes(String(value))
      ? null
      : "it sets critique.prompt to none that was frozen";
  }
  if (lever === "critique.trial") return null;
  if (lever === "retrain.from") {
    return value === "base" || value === "incumbent"
      ? null
      : "it sets retrain.from to neither base nor incumbent";
  }
  if (typeof value !== "number") return null;
  const limit = limits[lever];
  if (limit === undefined) return `it sets ${lever}, which cannot be moved`;
  if (value < limit.least || value > limit.most || Number.isNaN(value)) {
    return `it sets ${lever} to ${value}, outside ${limit.least} to ${limit.most}`;
  }
  return isWhole(lever) && !Number.isInteger(value) ? `${lever} ${value} is not whole` : null;
}

function trialProblem({ settings, variant }: Plan, observation: Observation): string | null {
  const tried = settings["critique.trial"];
  if (tried === undefined || tried === noTrial || tried === variant?.name) return null;
  return trialsOf(observation, settings).includes(String(tried))
    ? null
    : "it tries a critique prompt that was not frozen, or the one that the round has anyway";
}

function taskProblem(tasks: Plan["tasks"], observation: Observation): string | null {
  if (tasks === null) return null;
  const known = new Set(observation.tasks.map(({ id }) => id));
  const strange = tasks.find((id) => !known.has(id));
  if (strange !== undefined) return `task ${strange} is none that may be learned from`;
  const most = observation.limits["elicit.tasksPerRound"]?.most ?? known.size;
  if (tasks.length === 0 || tasks.length > most) {
    return `it takes up ${tasks.length} tasks, outside 1 to ${most}`;
  }
  return new Set(tasks).size === tasks.length ? null : "it takes up a task twice";
}

/** A training goes on from an adapter of its own rank only. */
function rankProblem(settings: LeverSettings, observation: Observation): string | null {
  const { recipe } = observation;
  const from = settings["retrain.from"] ?? recipe["retrain.from"];
  const rank = settings["retrain.rank"] ?? recipe["retrain.rank"];
  const before = observation.incumbentRank;
  if (from !== "incumbent" || before === null || before === rank) return null;
  return `it goes on from an incumbent of rank ${before} with rank ${rank}`;
}

/** What a decision changes, in a few words; of a lesson also what the memory made of it. */
export function decisionText({ what, from, to, saw }: PolicyDecision): string {
  if (what === "tasks") return `tasks, ${to} chosen`;
  if (what === "lesson") return `lesson (${saw.became ?? "asked for"}): ${to ?? saw.text}`;
  if (from === null && to === null) return what;
  return `${what} ${from ?? "–"} → ${to ?? "–"}`;
}

import type { MemorySettings } from "./memory.js";
import { type Lever, type LeverSettings, levers, type PolicySettings } from "./policy.js";
import { distils, type RetrainSettings } from "./retrain.js";

/** The parts of a recipe that levers move, and what bounds them. */
export interface HasLevers {
  readonly policy: PolicySettings;
  readonly tasks: { readonly train: number };
  readonly teacher: { readonly labels: string; readonly exemplars: number };
  readonly elicit: { readonly tasksPerRound: number };
  readonly generate: { readonly attempts: number; readonly temperature: number };
  readonly critique: { readonly prompt: string; readonly trial: string | null } | null;
  readonly refine: { readonly tries: number } | null;
  readonly curate: {
    readonly maximum: number;
    readonly minimum: number;
    readonly replay: { readonly ratio: number } | null;
  };
  readonly retrain: RetrainSettings;
  readonly memory: MemorySettings | null;
  readonly longTerm: { readonly write: boolean } | null;
}

interface Range {
  readonly least: number;
  readonly most: number;
}

/** The critique prompt that says nothing: wrong attempts are rewritten without a critique. */
export const silentCritique = "none";

/** The value of `critique.trial` where no other prompt is tried: no prompt can have this name. */
export const noTrial = "no trial";

const wholeLevers: readonly Lever[] = [
  ...(["elicit.tasksPerRound", "generate.attempts", "refine.tries"] as const),
  ...(["curate.maximum", "retrain.epochs", "retrain.rank"] as const),
];

/** Whether a lever's values are whole numbers. */
export function isWhole(lever: Lever): boolean {
  return wholeLevers.includes(lever);
}

/**
 * Every lever as a recipe has it; one that it lacks is absent. `elicit.tasksPerRound` 0 is the whole pool; without
 * `curate.maximum` there is no such limit to move; a critique of which lessons are made cannot be turned off, which
 * would turn off the memory too.
 *
 * @param pool Training tasks that may be learned from.
 */
export function leversOf(recipe: HasLevers, pool: number): LeverSettings {
  const { elicit, generate, critique, refine, curate, retrain } = recipe;
  return {
    "elicit.tasksPerRound": Math.min(elicit.tasksPerRound || pool, pool),
    "generate.attempts": generate.attempts,
    "generate.temperature": generate.temperature,
    ...(critique === null
      ? {}
      : {
          ...(distils(recipe) ? {} : { critique: critique.prompt !== silentCritique }),
          "critique.prompt": critique.prompt,
          "critique.trial": critique.trial ?? noTrial,
        }),
    ...(refine === null ? {} : { "refine.tries": refine.tries }),
    ...(curate.maximum === 0 ? {} : { "curate.maximum": curate.maximum }),
    ...(curate.replay === null ? {} : { "curate.replay.ratio": curate.replay.ratio }),
    ...trainingLevers(retrain),
  };
}

/**
 * The critique prompt that a round asks with: that of its plan, else the recipe's, and silence where the plan turns the
 * critique off.
 *
 * @param recipe Every lever as the recipe has it.
 * @param planned What the plan has otherwise.
 */
export function critiqueIn(recipe: LeverSettings, planned: LeverSettings): string {
  if (planned.critique === false) return silentCritique;
  return String(planned["critique.prompt"] ?? recipe["critique.prompt"]);
}

/** The two prompts that the failures of such a round are divided between; null where there is one. */
export function trialIn(
  recipe: LeverSettings,
  planned: LeverSettings,
): { readonly own: string; readonly tried: string } | null {
  const tried = planned["critique.trial"] ?? recipe["critique.trial"];
  if (tried === undefined || tried === noTrial) return null;
  return { own: critiqueIn(recipe, planned), tried: String(tried) };
}

function trainingLevers(retrain: RetrainSettings): LeverSettings {
  if (retrain.method === "memory") return {};
  const { from, epochs, rank, learningRate } = retrain;
  return {
    "retrain.from": from,
    "retrain.epochs": epochs,
    ...(rank === undefined ? {} : { "retrain.rank": rank }),
    "retrain.learningRate": learningRate,
  };
}

/**
 * How far each lever with a number may be moved: as `policy.limits` says, else from half to twice what the recipe has,
 * and always within what its key allows.
 */
export function limitsOf(recipe: HasLevers, pool: number): Partial<Record<Lever, Range>> {
  const own = recipe.policy.kind === "fixed" ? {} : recipe.policy.limits;
  const found: Partial<Record<Lever, Range>> = {};
  for (const [name, value] of Object.entries(leversOf(recipe, pool))) {
    const lever = name as Lever;
    if (typeof value !== "number") continue;
    const wanted = own[lever] ?? { least: value / 2, most: value * 2 };
    const range = inside(wanted, allowed(lever, recipe, pool));
    found[lever] = isWhole(lever)
      ? { least: Math.ceil(range.least), most: Math.floor(range.most) }
      : range;
  }
  return found;
}

function inside({ least, most }: Range, bounds: Range): Range {
  return { least: Math.max(least, bounds.least), most: Math.min(most, bounds.most) };
}

/** What a lever's key allows beside the recipe's other settings. */
function allowed(lever: Lever, recipe: HasLevers, pool: number): Range {
  switch (lever) {
    case "elicit.tasksPerRound":
      return { least: 1, most: pool };
    case "generate.attempts": {
      // A majority needs three votes, and a critique may be shown another attempt.
      const majority = recipe.teacher.labels === "majority";
      return { least: majority ? 3 : Math.min(2, recipe.generate.attempts), most: 256 };
    }
    case "generate.temperature":
      return { least: 0, most: 5 };
    case "refine.tries":
      return { least: 1, most: 64 };
    case "curate.maximum":
      return { least: recipe.curate.minimum, most: 1_000_000 };
    case "curate.replay.ratio":
      return { least: 0, most: 10 };
    case "retrain.epochs":
      return { least: 1, most: 100 };
    case "retrain.rank":
      return { least: 1, most: 256 };
    case "retrain.learningRate":
      return { least: 1e-9, most: 1 };
    case "critique":
    case "critique.prompt":
    case "critique.trial":
    case "retrain.from":
      throw new Error(`${lever} is no number`);
  }
}

/** Training tasks that a policy may have learned from, as many as the recipe asks for. */
function plannedPool({ tasks, teacher, policy }: HasLevers): number {
  return tasks.train - teacher.exemplars - (policy.kind === "fixed" ? 0 : policy.validation);
}

/** Settings of a policy that make no sense with the rest of its recipe; each is one sentence. */
export function policyContradictions(recipe: HasLevers): { path: string[]; message: string }[] {
  const { policy, critique, tasks } = recipe;
  if (policy.kind === "fixed") return [];
  const pool = plannedPool(recipe);
  if (pool < 1) {
    const message = `with teacher.exemplars these are all ${tasks.train} training tasks; leave some to train on`;
    return [{ path: ["policy", "validation"], message }];
  }
  const found: { path: string[]; message: string }[] = [];
  if (critique === null && policy.critiquePrompts.length > 0) {
    const message = "the recipe has no critique; set critique.prompt too";
    found.push({ path: ["policy", "critiquePrompts"], message });
  } else if (policy.kind === "adaptive" && policy.critiquePrompts.length > 0) {
    const message = "no rule chooses a prompt: remove it, or set policy.kind: coach, which does";
    found.push({ path: ["policy", "critiquePrompts"], message });
  }
  const own = leversOf(recipe, pool);
  for (const [name, limit] of Object.entries(policy.limits)) {
    const message = limitProblem(name as Lever, limit, own, recipe, pool);
    if (message !== null) found.push({ path: ["policy", "limits", name], message });
  }
  return found;
}

function limitProblem(
  lever: Lever,
  limit: Range,
  own: LeverSettings,
  recipe: HasLevers,
  pool: number,
): string | null {
  const value = own[lever];
  if (value === undefined) return `the recipe has no ${lever} that could be moved`;
  if (typeof value !== "number") return "is chosen, not moved: it has no limits";
  if (value < limit.least || value > limit.most) return `leaves out the recipe's own ${value}`;
  const { least, most } = allowed(lever, recipe, pool);
  if (limit.least >= least && limit.most <= most) return null;
  return `beyond what this recipe can have: ${least} to ${most}`;
}

/** Names of levers, for errors. */
export const leverNames = levers.join(", ");

import type { EvolutionSpec } from "../core/evolution.js";
import type { Recipe } from "../core/recipe.js";
import { detectableGain } from "../stats/index.js";

/** Calls of an evolution, at most: a task without a right draft or without a wrong one has fewer. */
export interface PlannedEvolution {
  readonly drafts: number;
  /** Critiques and revisions of the ancestor and of children, on breeding tasks. */
  readonly breeding: number;
  readonly proposals: number;
  /** Drafts, critiques and revisions on the proving tasks; none where nothing better was bred. */
  readonly proof: number;
  /**
   * The smallest (fitter - less fit) / tasks that the proof finds four times out of five, if prompts differ on half of
   * the tasks; null where it could not find any.
   */
  readonly detectable: number | null;
}

/** A right draft and a wrong one, each with a critique and a revision. */
const callsPerTask = 4;

export function planEvolution(spec: EvolutionSpec, recipe: Recipe): PlannedEvolution {
  const { breed, prove, generations, children, finalists, alpha } = spec;
  const { attempts } = recipe.generate;
  const proposals = generations * children;
  const level = alpha / finalists;
  return {
    drafts: breed * attempts,
    breeding: (1 + proposals) * breed * callsPerTask,
    proposals,
    proof: prove * attempts + (1 + finalists) * prove * callsPerTask,
    detectable: detectableGain({ tasks: prove, discordant: 0.5, level }, 0.8),
  };
}

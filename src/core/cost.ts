import type { LeverSettings, Observation, RoundSeen } from "./policy.js";

/** What rounds took on average, by which the next one is expected to go. */
interface Rates {
  readonly attempt: number;
  /** A critique or a revision: they are charged together, and counted alike. */
  readonly rewrite: number;
  /** An example, each time that it is trained on. */
  readonly exposure: number;
  /** Share of the tasks taken up that are revised. */
  readonly revised: number;
}

/** Before anything was tried: each counts as one, and every task is to be revised. */
const byCount: Rates = { attempt: 1, rewrite: 1, exposure: 1, revised: 1 };

/**
 * What a round with these settings is expected to take: prompt and answer tokens of its attempts, critiques and revisions,
 * and the tokens that its candidate is trained on, which count alike. What no plan changes (gate, retention, validation,
 * the coach's turns) is left out. Of the rounds that are seen, an average attempt, rewrite and example taken up in training
 * say what one of each takes, and the share of tasks that were revised how many rewrites there will be. New examples come in
 * proportion to tasks, as in the last round, beside those that it carried over, or are as many as there may be where that one was full.
 *
 * Before the first round it is a count: answers, and examples times epochs, one example a task.
 *
 * @param tasks Tasks that are taken up, where a plan names them.
 */
export function expectedCost(
  observation: Observation,
  settings: LeverSettings,
  tasks = leverOf(settings, "elicit.tasksPerRound"),
): number {
  const { attempt, rewrite, exposure, revised } = ratesOf(observation.rounds);
  const asked = tasks * leverOf(settings, "generate.attempts") * attempt;
  const rewritten = tasks * revised * rewritesOf(settings) * rewrite;
  const examples = expectedExamples(settings, tasks, observation.rounds.at(-1));
  return asked + rewritten + examples * exposuresOf(settings) * exposure;
}

function leverOf(settings: LeverSettings, lever: keyof LeverSettings): number {
  return Number(settings[lever] ?? 0);
}

/** Critiques and revisions of a task that is revised. Where `critique` is no lever, a recipe's critique is always on. */
function rewritesOf(settings: LeverSettings): number {
  const tries = leverOf(settings, "refine.tries");
  const criticised = settings.critique ?? settings["critique.prompt"] !== undefined;
  return tries === 0 ? 0 : tries + Number(criticised);
}

/** How often a training goes through an example, with its share of rehearsal; 0 where no weights are trained. */
function exposuresOf(settings: LeverSettings): number {
  return leverOf(settings, "retrain.epochs") * (1 + leverOf(settings, "curate.replay.ratio"));
}

function expectedExamples(settings: LeverSettings, tasks: number, last?: RoundSeen): number {
  const most = settings["curate.maximum"];
  const maximum = typeof most === "number" ? most : Number.POSITIVE_INFINITY;
  if (last === undefined || last.tasks === 0) return Math.min(maximum, tasks);
  const had = last.settings["curate.maximum"];
  if (typeof had === "number" && last.examples >= had) return maximum;
  const carried = last.carriedOver ?? 0;
  return Math.min(maximum, carried + ((last.examples - carried) / last.tasks) * tasks);
}

function ratesOf(rounds: readonly RoundSeen[]): Rates {
  const sum = (of: (round: RoundSeen) => number) =>
    rounds.reduce((total, round) => total + of(round), 0);
  const attempts = sum((round) => round.attempts);
  if (attempts === 0) return byCount;
  const asked = (round: RoundSeen) => round.revisions?.asked ?? 0;
  const rewriting = (round: RoundSeen) => round.revisions?.tokens ?? 0;
  const trained = rounds.filter((round) => (round.trained ?? 0) > 0);
  const exposures = trained.reduce(
    (total, { settings, examples }) => total + examples * exposuresOf(settings),
    0,
  );
  const attempt = sum((round) => round.tokens - rewriting(round)) / attempts;
  const rewrites = sum((round) => asked(round) * rewritesOf(round.settings));
  return {
    attempt,
    // One that nothing is known of is taken for an attempt.
    rewrite: rewrites > 0 ? sum(rewriting) / rewrites : attempt,
    exposure: exposures > 0 ? sum((round) => round.trained ?? 0) / exposures : attempt,
    revised: sum(asked) / sum((round) => round.tasks),
  };
}

/** What the next round is expected to cost as the recipe says, and what it may cost under a plan. */
export interface CostLimit {
  readonly recipe: number;
  readonly most: number;
  readonly unit: string;
}

/** null where the observation has no margin: an older release made it. */
export function costLimit(observation: Observation): CostLimit | null {
  const { margins, recipe, rounds } = observation;
  if (margins === undefined) return null;
  const own = expectedCost(observation, recipe);
  const tried = rounds.some(({ attempts }) => attempts > 0);
  const unit = tried ? "tokens" : "answers and examples";
  return { recipe: own, most: own * (1 + margins.cost), unit };
}

/** Sums of fractions differ in their last digits. */
const slack = 1 + 1e-9;

/**
 * Why settings cost too much, in a sentence with its figures; null where the recipe's margin allows them. See
 * {@link expectedCost}.
 *
 * @param settings Every lever, as the next round would have it.
 */
export function costProblem(
  observation: Observation,
  settings: LeverSettings,
  tasks?: number,
): string | null {
  const limit = costLimit(observation);
  const expected = expectedCost(observation, settings, tasks);
  if (limit === null || expected <= limit.most * slack) return null;
  const { recipe, most, unit } = limit;
  return `the round is expected to cost ${costText(expected)} ${unit}, ${costText(recipe)} as the recipe says, and policy.margins.cost allows ${costText(most)}`;
}

/** 45613.4 → "45,613". */
export function costText(cost: number): string {
  return Math.round(cost).toLocaleString("en-US");
}

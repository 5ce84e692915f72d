import { seedFor } from "../../src/core/hash.js";
import { leversOf, limitsOf } from "../../src/core/levers.js";
import { planProblem } from "../../src/core/plan.js";
import type { LeverSettings, Observation, RoundSeen, TaskSeen } from "../../src/core/policy.js";
import { randomFrom, shuffled } from "../../src/core/random.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { adaptive } from "../../src/policy/adaptive.js";
import type { Rule } from "../../src/policy/rule.js";
import { alphaForLook, exactMcNemar, tango } from "../../src/stats/index.js";
import {
  base,
  chanceOf,
  drawWorld,
  type SimulatedTask,
  type Trained,
  train,
  type Weights,
  type World,
} from "./simulated-student.js";

/** Tokens of one of each, prompts counted in full, about as in the quickstart. */
const price = { attempt: 200, critique: 220, revision: 230, example: 70, answer: 60 };
const retentionTasks = 60;
const validationTasks = 24;
/** What can be spent: so many rounds of the recipe as written. */
const roundsPaid = 8;
const mostRounds = 16;

/** What a plan may cost beyond the recipe: the default. */
const margins = { cost: 1 };

/** The recipe that all policies begin with; that of the quickstart but for sizes. */
const recipe: Recipe = recipeSchema.parse({
  name: "simulated",
  rounds: mostRounds,
  tasks: { source: "orders", train: 200, gate: 200 },
  retention: { path: "none", margin: 0.1 },
  elicit: { tasksPerRound: 40 },
  generate: { attempts: 4, temperature: 0.7 },
  critique: { prompt: "name-the-error" },
  refine: { prompt: "second-try", tries: 2 },
  curate: { maximum: 48, replay: { path: "none", ratio: 1 } },
  policy: { kind: "adaptive", validation: validationTasks, margins },
});

/** null: the recipe as written. */
export type Arm = readonly Rule[] | null;

/** What a night came to under one arm. */
export interface NightResult {
  /** Mean share of held-out tasks that the incumbent answers rightly, over the tokens of the night. */
  readonly area: number;
  readonly final: number;
  readonly rounds: number;
}

/**
 * One night: the same student, tasks and luck for every arm, and the same tokens. Luck is drawn by round and item, so that
 * arms that ask the same get the same. Validation is paid for by the arms that have it, and takes its tasks away.
 */
export function simulateNight(arms: readonly Arm[], night: number): NightResult[] {
  const seed = seedFor("policies", night);
  const world = drawWorld(seed, { train: 200 - validationTasks, validation: validationTasks });
  const budget = roundsPaid * costOfRecipe();
  return arms.map((rules) => runNight(world, rules, budget, seed));
}

function costOfRecipe(): number {
  const learning = 40 * 4 * price.attempt + 20 * (price.critique + 2 * price.revision);
  return learning + 48 * 3 * price.example + (200 + retentionTasks) * price.answer;
}

function runNight(world: World, rules: Arm, budget: number, seed: number): NightResult {
  const tasks = rules === null ? [...world.train, ...world.validation] : world.train;
  const pool = tasks.length;
  const [own, limits] = [leversOf(recipe, pool), limitsOf(recipe, pool)];
  const state: State = {
    ...{ world, tasks, seed, incumbent: base(world), promotions: 0, examples: new Map() },
    validated: rules !== null,
  };
  const seen: RoundSeen[] = [];
  const tries = new Map<string, TaskSeen["tries"][number][]>();
  let [spent, area, score] = [0, 0, shareOf(world, state.incumbent)];
  for (let round = 1; round <= mostRounds && spent < budget; round++) {
    const observation: Observation = {
      ...{ round, seed: seedFor(seed, "policy", round), recipe: own, limits },
      ...{ margins, critiquePrompts: [], clusters: [], lessons: [], budgetLeft: {} },
      roundsLeft: mostRounds - round + 1,
      rounds: seen,
      incumbentRank: rankOfIncumbent(seen),
      tasks: tasks.map(({ id, cluster }) => seenTask(id, cluster, tries.get(id) ?? [])),
    };
    const plan = rules === null ? null : adaptive(observation, rules);
    const problem = plan && planProblem(plan, observation);
    if (problem) throw new Error(`night plan of round ${round}: ${problem}`);
    if (plan?.stop) break;
    const settings = { ...own, ...plan?.settings };
    const chosen =
      plan?.tasks ?? inTurn(tasks, seed, round, Number(settings["elicit.tasksPerRound"]));
    const before = spent;
    const done = playRound(state, { round, settings, chosen });
    spent += done.tokens;
    area += score * (Math.min(spent, budget) - before);
    if (spent <= budget) score = shareOf(world, state.incumbent);
    seen.push(done.seen);
    for (const [id, each] of done.tries) tries.set(id, [...(tries.get(id) ?? []), each]);
  }
  area += score * Math.max(0, budget - spent);
  return { area: area / budget, final: score, rounds: seen.length };
}

/** Of the last candidate that was promoted; null where none was. */
function rankOfIncumbent(seen: readonly RoundSeen[]): number | null {
  const last = seen.findLast(({ outcome }) => outcome === "promoted");
  return last === undefined ? null : Number(last.settings["retrain.rank"]);
}

interface State {
  readonly world: World;
  readonly tasks: readonly SimulatedTask[];
  readonly seed: number;
  readonly examples: Map<string, number>;
  readonly validated: boolean;
  incumbent: Weights;
  promotions: number;
}

/** Failures have a cluster once there were any. */
function seenTask(id: string, cluster: number, tries: TaskSeen["tries"]): TaskSeen {
  const failed = tries.some(({ right, attempts }) => right < attempts);
  return { id, cluster: failed ? `${cluster}` : null, tries };
}

function inTurn(tasks: readonly SimulatedTask[], seed: number, round: number, size: number) {
  const order = shuffled(tasks, seedFor(seed, "elicit"));
  const start = ((round - 1) * size) % order.length;
  return Array.from({ length: size }, (_, i) => order[(start + i) % order.length]!.id);
}

function shareOf(world: World, weights: Weights): number {
  const chances = world.heldOut.map((task) => chanceOf(world, weights, task));
  return chances.reduce((sum, chance) => sum + chance, 0) / chances.length;
}

function playRound(
  state: State,
  {
    round,
    settings,
    chosen,
  }: { round: number; settings: LeverSettings; chosen: readonly string[] },
) {
  const { world, seed, examples, incumbent } = state;
  const value = (lever: keyof LeverSettings) => Number(settings[lever]);
  const luck = (...parts: (string | number)[]) => randomFrom(seedFor(seed, round, ...parts));
  const byId = new Map(state.tasks.map((task) => [task.id, task]));
  const heat = value("generate.temperature") - recipe.generate.temperature;
  const variety = Math.min(
    1,
    Math.max(0.05, world.variety * (1 - world.varietyLost) ** state.promotions + 0.8 * heat),
  );
  const attempts = value("generate.attempts");
  const tries = new Map<string, TaskSeen["tries"][number]>();
  const failed: SimulatedTask[] = [];
  let [right, solved, kinds] = [0, 0, 0];
  for (const id of chosen) {
    const task = byId.get(id)!;
    const chance = chanceOf(world, incumbent, task, world.advantage - 0.6 * Math.max(0, heat));
    const random = luck("attempt", id);
    const first = random() < chance;
    let [hits, different] = [Number(first), 0];
    for (let i = 1; i < attempts; i++) {
      const anew = random() < variety;
      const hit = random() < chance;
      hits += Number(anew ? hit : first);
      different += Number(anew && !hit);
    }
    right += hits;
    kinds += attempts > 1 ? Math.min(attempts - 1, different) / (attempts - 1) : 0;
    tries.set(id, { round, right: hits, attempts });
    if (hits === 0) failed.push(task);
    else {
      solved++;
      if (!examples.has(id)) examples.set(id, round);
    }
  }
  const mended = mend(state, { round, settings, failed, luck });
  const generated = chosen.length * attempts * price.attempt;
  const trained = trainOn(state, settings);
  const epochs = value("retrain.epochs");
  const trainedTokens = trained === null ? 0 : trained.count * epochs * price.example;
  const verdict = trained === null ? null : judge(state, trained.weights, luck);
  const evaluated = verdict === null ? 0 : (200 + retentionTasks) * price.answer;
  const validation =
    trained === null || !state.validated ? null : validate(state, trained.weights, luck);
  const validated = validation === null ? 0 : 2 * validationTasks * price.answer;
  if (verdict?.promoted && trained) {
    state.incumbent = trained.weights;
    state.promotions++;
  }
  const seen: RoundSeen = {
    ...{ number: round, settings, tasks: chosen.length, attempts: chosen.length * attempts },
    ...{ right, solved, ungradable: 0, diversity: kinds / chosen.length },
    ...{ revisions: mended, examined: null, examples: trained?.count ?? 0, loss: null, validation },
    gate: verdict?.gate ?? null,
    retention: verdict?.retention ?? null,
    outcome: verdict === null ? "skipped" : verdict.promoted ? "promoted" : "rejected",
    reason: "",
    tokens: generated + (mended?.tokens ?? 0),
    trained: trainedTokens,
    seconds: 0,
  };
  return { seen, tries, tokens: seen.tokens + trainedTokens + evaluated + validated };
}

type Luck = (...parts: (string | number)[]) => () => number;

function mend(
  { world, examples }: State,
  work: { round: number; settings: LeverSettings; failed: readonly SimulatedTask[]; luck: Luck },
): RoundSeen["revisions"] {
  const { round, settings, failed, luck } = work;
  const [criticised, count] = [settings.critique === true, Number(settings["refine.tries"])];
  let fixed = 0;
  for (const { id, cluster } of failed) {
    const { mendedWith, mendedWithout } = world.clusters[cluster]!;
    const random = luck("mend", id);
    const hits = Array.from(
      { length: count },
      () => random() < (criticised ? mendedWith : mendedWithout),
    );
    if (!hits.includes(true)) continue;
    fixed++;
    if (!examples.has(id)) examples.set(id, round);
  }
  if (failed.length === 0) return null;
  const each = (criticised ? price.critique : 0) + count * price.revision;
  return { asked: failed.length, fixed, tokens: failed.length * each };
}

/** The newest examples, as curation keeps them; null where they are too few. */
function trainOn(
  state: State,
  settings: LeverSettings,
): { weights: Trained; count: number } | null {
  const value = (lever: keyof LeverSettings) => Number(settings[lever]);
  const newest = [...state.examples].sort((a, b) => b[1] - a[1]).slice(0, value("curate.maximum"));
  if (newest.length < recipe.curate.minimum) return null;
  const byId = new Map(state.tasks.map((task) => [task.id, task]));
  const { retrain } = recipe;
  if (retrain.method === "memory") throw new Error("weights are trained here");
  const weights = train(state.world, {
    examples: newest.map(([id]) => byId.get(id)!),
    from: settings["retrain.from"] === "incumbent" ? state.incumbent : base(state.world),
    epochs: value("retrain.epochs"),
    rate: value("retrain.learningRate") / retrain.learningRate,
    rank: value("retrain.rank") / retrain.rank!,
    replay: value("curate.replay.ratio"),
  });
  return { weights, count: newest.length };
}

/** The gate of the loop, on the same tasks each round; a task's two answers share most of their luck. */
function judge({ world, incumbent }: State, candidate: Trained, luck: Luck) {
  const random = luck("gate");
  let [gained, lost, before, after] = [0, 0, 0, 0];
  for (const task of world.gate) {
    const common = random();
    const own = random() < 0.85 ? common : random();
    const [was, is] = [
      common < chanceOf(world, incumbent, task),
      own < chanceOf(world, candidate, task),
    ];
    [before, after] = [before + Number(was), after + Number(is)];
    [gained, lost] = [gained + Number(is && !was), lost + Number(was && !is)];
  }
  const forgotten = Array.from({ length: retentionTasks }, () => random() > candidate.retained);
  const count = forgotten.filter(Boolean).length;
  const worst = Math.max(0, -tango(0, count, retentionTasks, 0.95).low);
  const margin = recipe.retention!.margin;
  const better = exactMcNemar(gained, lost).better <= alphaForLook(0.05, mostRounds);
  return {
    promoted: better && worst <= margin,
    gate: { tasks: world.gate.length, baseline: before, candidate: after },
    retention: {
      ...{ tasks: retentionTasks, baseline: retentionTasks, candidate: retentionTasks - count },
      ...{ worst, margin },
    },
  };
}

/** What is known by heart is right where it was learned, whatever the skill. */
function validate({ world, examples, tasks }: State, weights: Trained, luck: Luck) {
  const random = luck("validate");
  const learned = shuffled(
    tasks.filter(({ id }) => examples.has(id)),
    Math.floor(random() * 2 ** 31),
  );
  const known = (task: SimulatedTask, heart: number) =>
    random() < Math.min(1, chanceOf(world, weights, task) + heart);
  const of = (asked: readonly SimulatedTask[], heart: number) => ({
    tasks: asked.length,
    right: asked.filter((task) => known(task, heart)).length,
  });
  return {
    learned: of(learned.slice(0, validationTasks), 0.2 + 0.6 * weights.heart),
    unseen: of(world.validation, 0),
  };
}

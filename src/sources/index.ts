import type { Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { seedFor } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import type { Recipe } from "../core/recipe.js";
import { learnsFromJudge } from "../core/retrain.js";
import { nearDuplicates } from "../core/similarity.js";
import { readTaskFile, type TaskLine, taskFrom } from "./jsonl.js";
import { readRetention } from "./retention.js";

/** What reasoning-gym gives, through the Python worker. */
export interface TaskGenerator {
  tasks(
    dataset: string,
    config: Record<string, unknown>,
    size: number,
    seed: number,
  ): Promise<GeneratedTask[]>;
  /** How the dataset itself scores answers to its entries. */
  score(
    dataset: string,
    config: Record<string, unknown>,
    items: readonly { entry: Record<string, unknown>; answer: string }[],
  ): Promise<(number | null)[]>;
}

interface GeneratedTask {
  readonly question: string;
  readonly answer: string | null;
  readonly entry: Record<string, unknown>;
}

/** Generated tasks repeat and resemble each other; ask for this many times what is needed. */
const surplus = 1.5;

/**
 * All tasks of a run, split once and for ever. Held-out tasks are taken first; a training task that
 * (nearly) repeats one of them is left out and another takes its place.
 *
 * @throws RedistillError `usage` when the source has too few tasks that differ.
 */
export async function collectTasks(
  recipe: Recipe,
  generator: TaskGenerator,
): Promise<{ tasks: Task[]; leftOut: number }> {
  const { train, gate, sealed } = recipe.tasks;
  const lines = await readSource(recipe, generator);
  const seed = recipe.tasks.seed ?? recipe.seed;
  const order = shuffled(lines, seedFor(seed, "split"));
  const retention = readRetention(recipe.retention);
  const replay = recipe.curate.replay
    ? readTaskFile(recipe.curate.replay.path, { kind: "contains" })
    : [];
  const [gateLines, others] = takeChecked(order, gate);
  const gateTasks = gateLines.map((line) => taskFrom(line, "gate"));
  const fresh = unlike(gateTasks, others, recipe.curate.nearDuplicate);
  const [sealedLines, left] = takeChecked(fresh, sealed);
  if (gateLines.length + sealedLines.length < gate + sealed) requireChecked(recipe, lines);
  const held = [...gateTasks, ...sealedLines.map((line) => taskFrom(line, "sealed")), ...retention];
  // Where held-out tasks were picked from among others, those in front are of one kind.
  const mixed = lines.some(isGraded) ? shuffled(left, seedFor(seed, "split", "train")) : left;
  const rest = mixed.map((line) => taskFrom(line, "train"));
  const rehearsal = replay.map((line) => taskFrom(line, "replay"));
  const near = nearDuplicates(
    held.map(textOf),
    [...rest, ...rehearsal].map(textOf),
    recipe.curate.nearDuplicate,
  );
  const twins = new Set(near.map(({ trainId }) => trainId));
  const trainable = rest.filter(({ id }) => !twins.has(id));
  if (held.length - retention.length < gate + sealed || trainable.length < train) {
    throw new RedistillError(
      "usage",
      `the task source has ${lines.length} different tasks, ${rest.length - trainable.length} of them too like a held-out one; ${train + gate + sealed} are needed (train ${train}, gate ${gate}, sealed ${sealed})`,
      "Lower the sizes under `tasks`, add tasks, or widen the generator's config.",
    );
  }
  requireReferences(recipe, [...held, ...trainable.slice(0, train)]);
  const bare = trainable.slice(0, recipe.teacher.exemplars).find((task) => !task.reference);
  if (bare) {
    throw new RedistillError(
      "usage",
      `teacher.exemplars shows solved tasks, but this one has no reference: ${bare.prompt.slice(0, 80)}`,
      "Give every task a reference, or set teacher.exemplars to 0.",
    );
  }
  return {
    tasks: [...held, ...trainable.slice(0, train), ...rehearsal.filter(({ id }) => !twins.has(id))],
    leftOut: twins.size + order.length - gateTasks.length - fresh.length,
  };
}

/** Has one reference scored: a dataset that cannot score is found out now, not after a stage. */
async function requireScoring(
  { dataset, config }: { dataset: string; config: Record<string, unknown> },
  generator: TaskGenerator,
  entries: readonly GeneratedTask[],
): Promise<void> {
  const { entry, answer } = entries.find((task) => task.answer !== null) ?? {};
  if (entry === undefined || answer == null) return;
  const [score] = await generator.score(dataset, config, [{ entry, answer }]);
  if (score === 1) return;
  throw new RedistillError(
    "usage",
    `${dataset} scores its own reference ${JSON.stringify(answer.slice(0, 60))} with ${score}, not 1`,
    "Give the tasks another verifier (exact, numeric), or take another dataset.",
  );
}

const isGraded = ({ verifier }: TaskLine) => verifier.kind === "rubric";

/** So many of the first lines with a verifier, and all the others. A judge's grades decide nothing. */
function takeChecked(lines: readonly TaskLine[], count: number): [TaskLine[], TaskLine[]] {
  const taken = new Set(lines.filter((line) => !isGraded(line)).slice(0, count));
  return [[...taken], lines.filter((line) => !taken.has(line))];
}

/** Says why there are too few tasks to measure by, where that is because of a rubric. */
function requireChecked(recipe: Recipe, lines: readonly TaskLine[]): void {
  const { gate, sealed } = recipe.tasks;
  const graded = lines.filter(isGraded).length;
  if (graded === 0) return;
  throw new RedistillError(
    "usage",
    `a rubric cannot decide the gate: a judge's grades are nothing that a promotion may rest on; ${graded} of ${lines.length} tasks are graded by rubric, and gate and sealed need ${gate + sealed} others`,
    'Give that many lines a reference and a verifier of their own: {"prompt": "…", "reference": "…", "verifier": {"kind": "exact"}}. Rubrics serve for training tasks.',
  );
}

/** Without a reference every verdict would be ungradable, which a whole night would be spent to learn. */
function requireReferences(recipe: Recipe, tasks: readonly Task[]): void {
  const judged = learnsFromJudge(recipe.retrain);
  const label = (recipe.teacher.labels === "reference" && !judged) || recipe.teacher.hint;
  const bare = tasks.find(
    ({ reference, verifier, split }) =>
      !reference &&
      verifier.kind !== "reasoning_gym" &&
      (split !== "train" || (verifier.kind === "rubric" ? recipe.teacher.hint : label)),
  );
  if (!bare) return;
  throw new RedistillError(
    "usage",
    `this ${bare.split} task has no reference to check answers against: ${bare.prompt.slice(0, 80)}`,
    "Give it one. Training tasks alone may do without, with teacher.labels: majority, with retrain.pairs: judge or with a rubric.",
  );
}

/** The lines that resemble none of the gate's tasks: neither sealed nor training may repeat it. */
function unlike(gate: readonly Task[], lines: readonly TaskLine[], threshold: number): TaskLine[] {
  const near = nearDuplicates(
    gate.map(textOf),
    lines.map(({ prompt }, i) => ({ id: String(i), text: prompt })),
    threshold,
  );
  const twins = new Set(near.map(({ trainId }) => Number(trainId)));
  return lines.filter((_, i) => !twins.has(i));
}

/** Reads every task file that a recipe names, for its errors alone. */
export function checkTaskFiles({ tasks, retention, curate }: Recipe): void {
  if (tasks.source === "jsonl") readTaskFile(tasks.path, tasks.verifier);
  readRetention(retention);
  if (curate.replay) readTaskFile(curate.replay.path, { kind: "contains" });
}

function textOf(task: Task): { id: string; text: string } {
  return { id: task.id, text: task.prompt };
}

async function readSource(recipe: Recipe, generator: TaskGenerator): Promise<TaskLine[]> {
  const { tasks } = recipe;
  if (tasks.source === "jsonl") return readTaskFile(tasks.path, tasks.verifier);
  const size = Math.ceil((tasks.train + tasks.gate + tasks.sealed) * surplus);
  const seed = seedFor(tasks.seed ?? recipe.seed, "tasks");
  // Faker is large, and this is its one use.
  const lines =
    tasks.source === "orders"
      ? (await import("./orders.js")).orderTasks(size, seed)
      : await gymTasks(tasks, generator, size, seed);
  const seen = new Set<string>();
  return lines.filter(({ prompt }) => !seen.has(prompt) && seen.add(prompt));
}

async function gymTasks(
  tasks: Extract<Recipe["tasks"], { source: "reasoning_gym" }>,
  generator: TaskGenerator,
  size: number,
  seed: number,
): Promise<TaskLine[]> {
  const entries = await generator.tasks(tasks.dataset, tasks.config, size, seed);
  if (tasks.verifier.kind === "reasoning_gym") await requireScoring(tasks, generator, entries);
  return entries.map(({ question, answer, entry }) => ({
    prompt: question,
    reference: answer,
    verifier: tasks.verifier,
    tags: [tasks.dataset],
    metadata: { dataset: tasks.dataset, config: tasks.config, entry },
  }));
}

import { join } from "node:path";
import { sha256 } from "../../src/core/hash.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { type StudySpec, studySchema } from "../../src/core/study.js";
import type { Script } from "../../src/models/scripted.js";
import { Store } from "../../src/store/store.js";
import { armsOf } from "../../src/studies/design.js";
import type { RunOutcome, StudyOutcomes } from "../../src/studies/outcomes.js";
import { learner, type ScriptedRun, scriptedRun, sumsRecipe } from "./scripted-run.js";

export function studySpec(changes: Record<string, unknown> = {}): StudySpec {
  return studySchema.parse({
    name: "tries",
    question: "Are two tries better than one?",
    recipe: "sums.yaml",
    seeds: [1, 2],
    factors: { "refine.tries": [1, 2], "generate.attempts": [2, 4] },
    ...changes,
  });
}

const handRecipe = recipeSchema.parse({
  name: "sums",
  rounds: 1,
  tasks: { source: "jsonl", path: "sums.jsonl", verifier: { kind: "numeric" }, train: 5, gate: 5 },
  student: {},
});

/** Right or not on tasks t00, t01, …: "10-" is right, wrong, not asked. */
function marks(text: string): Map<string, boolean> {
  return new Map(
    [...text].flatMap((mark, i) =>
      mark === "-" ? [] : [[`t${String(i).padStart(2, "0")}`, mark === "1"] as const],
    ),
  );
}

/**
 * A study made by hand: what each arm got on the gate suite with each seed, as {@link marks}. Runs that are
 * left out have not begun.
 */
export function handStudy(
  spec: StudySpec,
  base: string,
  gate: Readonly<Record<string, Readonly<Record<number, string>>>>,
  stopped: readonly string[] = [],
): StudyOutcomes {
  const arms = armsOf(spec);
  const runs = arms
    .filter(({ role }) => role !== "untrained")
    .flatMap(({ id }) => spec.seeds.map((seed) => ({ arm: id, seed })))
    .map(({ arm, seed }, position) => {
      const answered = gate[arm]?.[seed] !== undefined;
      const gaveUp = !answered && stopped.includes(arm) ? "not among the best half" : null;
      const runId = answered ? `${arm}-${seed}` : null;
      return { arm, seed, position, runId, stopped: gaveUp, note: null };
    });
  const outcomes = runs.flatMap(({ arm, seed, runId }): RunOutcome[] => {
    if (runId === null) return [];
    return [
      {
        ...{ arm, seed, runId, note: null, student: `weights of ${runId}` },
        decision: "promoted",
        noCandidate: null,
        gate: marks(gate[arm]![seed]!),
        retention: new Map(),
        sealed: null,
        rounds: [],
        tokens: { generate: 100, evaluate: 1000 },
        trainedTokens: 10,
      },
    ];
  });
  return {
    study: {
      ...{ id: "tries-1", spec, specHash: sha256(spec), recipe: handRecipe },
      createdAt: "2026-01-01T00:00:00.000Z",
      finishedAt: null,
    },
    arms,
    runs,
    outcomes,
    retention: [],
    base: { gate: marks(base), retention: new Map(), sealed: new Map() },
    calls: { alone: 10, paid: 4 },
  };
}

/** Learns something else from every training, so that arms and seeds differ. */
export const variedLearner: Script = (request, adapter) => {
  if (adapter === null) return learner(request, adapter);
  const luck = Number.parseInt(sha256([request, adapter, "luck"]).slice(0, 4), 16) / 65_536;
  const text = request.messages.at(-1)?.content ?? "";
  const match = /Calculate (\d+) \+ (\d+)/.exec(text);
  const sum = Number(match?.[1]) + Number(match?.[2]);
  return luck < 0.6 ? `It is ${sum}` : `It is not ${sum} but ${sum + 1}`;
};

/** A study in a real database: its runs are those of a scripted model and trainer. */
export async function scriptedStudy(
  folder: string,
  options: {
    spec?: StudySpec;
    script?: Script;
    /** Runs that are worked on; all of them by default. */
    only?: (run: { arm: string; seed: number }) => boolean;
    work?: (run: Pick<ScriptedRun, "work">) => Promise<void>;
  } = {},
): Promise<Store> {
  const spec = options.spec ?? studySpec();
  const recipeOf = (seed: number, changes: Record<string, unknown> = {}): Recipe => {
    const plain = sumsRecipe(folder);
    return recipeSchema.parse({
      ...plain,
      rounds: 1,
      seed,
      tasks: { ...plain.tasks, seed: spec.taskSeed },
      ...changes,
    });
  };
  const path = join(folder, "memory", "redistill.db");
  const open = () => Store.open(path, "memory/migrations");
  const arms = armsOf(spec);
  const runs = arms
    .filter(({ role }) => role !== "untrained")
    .flatMap(({ id }) => spec.seeds.map((seed) => ({ arm: id, seed })));
  const store = open();
  const recipe = recipeOf(0);
  const body = "the prompt";
  const prompt = { stage: "critique", name: "critique", version: "1", hash: sha256(body), body };
  store.studies.create(
    { id: "tries-1", spec, specHash: sha256(spec), recipe },
    [prompt],
    arms,
    runs,
  );
  store.close();
  let begun = 0;
  for (const { arm, seed } of runs) {
    if (options.only?.({ arm, seed }) === false) continue;
    const { settings } = arms.find(({ id }) => id === arm)!;
    const changes: Record<string, unknown> =
      settings.critique === null
        ? settings
        : {
            refine: { prompt: "refine", tries: settings["refine.tries"] },
            generate: { attempts: settings["generate.attempts"] },
          };
    const runId = `sums-${++begun}`;
    const run = await scriptedRun(folder, recipeOf(seed, changes), {
      runId,
      script: options.script ?? variedLearner,
    });
    run.store.studies.begin("tries-1", { arm, seed }, runId, null);
    await (options.work ?? ((each) => each.work()))(run);
    run.store.close();
  }
  const made = open();
  if (options.only === undefined) made.studies.finish("tries-1");
  return made;
}

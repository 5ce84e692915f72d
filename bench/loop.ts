// What the loop costs beside the engine: wall time of a round over the time spent in model.sample.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrationsDirectory, workspaceAt } from "../src/cli/paths.js";
import { frozenTasks, runFolder, workOn } from "../src/controller/run.js";
import type { CallRequest, Message } from "../src/core/entities.js";
import { sha256 } from "../src/core/hash.js";
import { eachRole } from "../src/core/model.js";
import type { ChatModel, ModelCapabilities, SampleOptions, Train } from "../src/core/ports.js";
import type { Recipe } from "../src/core/recipe.js";
import { candidateOf } from "../src/core/round.js";
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import { Store } from "../src/store/store.js";
import { createVerify } from "../src/verifiers/index.js";
import {
  benchmark,
  interleaved,
  printTable,
  ratio,
  type Surroundings,
  spread,
} from "./support/benchmark.js";
import {
  engineSettings,
  promptsOf,
  smallQuickstart,
  tasksOf,
  teacherRequests,
} from "./support/quickstart.js";

interface Figures {
  /** Of `workOn`, without the training port. */
  readonly wall: number;
  readonly engine: number;
  /** Answers that the engine wrote, by stage. */
  readonly written: readonly { readonly stage: string; readonly calls: number }[];
}

/** The engine with a watch. What the loop does in its callbacks is the loop's time, not the engine's. */
class TimedModel implements ChatModel {
  seconds = 0;

  constructor(private readonly engine: ChatModel) {}

  get digest(): string {
    return this.engine.digest;
  }

  get description(): string {
    return this.engine.description;
  }

  get capabilities(): ModelCapabilities {
    return this.engine.capabilities;
  }

  async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    let outside = 0;
    const loops = (work: () => void) => {
      const startedAt = performance.now();
      work();
      outside += performance.now() - startedAt;
    };
    const startedAt = performance.now();
    await this.engine.sample(requests, {
      signal: options.signal,
      // There is no adapter behind the scripted training: base weights answer in its place.
      adapter: null,
      onResult: (index, generation) => loops(() => options.onResult(index, generation)),
      onTokens: (count) => loops(() => options.onTokens?.(count)),
    });
    this.seconds += (performance.now() - startedAt - outside) / 1000;
  }

  render(messages: readonly Message[]): string {
    return this.engine.render(messages);
  }

  countTokens(texts: readonly string[]): Promise<number[]> {
    return this.engine.countTokens(texts);
  }

  async dispose(): Promise<void> {}
}

/** Works on a run of the recipe from its beginning to its end. */
async function measure(
  store: Store,
  folder: string,
  recipe: Recipe,
  engine: ChatModel,
  { weights, signal }: Surroundings,
): Promise<Figures> {
  const model = new TimedModel(engine);
  const { snapshots, prompts } = promptsOf(recipe);
  const runId = store.runs.nextId(recipe.name);
  const tasks = await tasksOf(recipe);
  store.transaction(() => {
    store.runs.create({
      id: runId,
      recipe,
      recipeHash: sha256(recipe),
      prompts: snapshots,
      modelDigest: model.digest,
      modelPath: "default",
      modelSha256: weights.sha256,
      folder: runFolder(runId),
    });
    store.tasks.insertAll(runId, tasks);
  });
  let training = 0;
  const train: Train = async (job) => {
    const startedAt = performance.now();
    const name = sha256(job);
    training += (performance.now() - startedAt) / 1000;
    const path = join(folder, "memory", "adapters", name);
    return { sha256: name, ggufPath: path, peftPath: path, finalLoss: null, tokens: 1, seconds: 1 };
  };
  const startedAt = performance.now();
  await workOn({
    store,
    runId,
    tasks: frozenTasks(store, runId),
    ...{ prompts, critiques: () => new Map(), coach: null },
    models: eachRole(() => model),
    train,
    verify: createVerify({}),
    workspace: folder,
    // A run reads and hashes the adapter's file here; the scripted training writes none.
    openAdapter: async (row) => candidateOf(row),
    remember: () => Promise.reject(new Error("nothing is remembered here")),
    signal,
    observe: () => {},
  });
  const wall = (performance.now() - startedAt) / 1000 - training;
  return { wall, engine: model.seconds, written: store.spend.byStage(runId) };
}

/** A round on an empty database, and the same round again as a second run on it. */
async function measureBoth(
  recipe: Recipe,
  engine: ChatModel,
  surroundings: Surroundings,
): Promise<{ fresh: Figures; cached: Figures }> {
  const folder = mkdtempSync(join(tmpdir(), "redistill-bench-"));
  try {
    const store = Store.open(workspaceAt(folder).database, migrationsDirectory);
    try {
      const fresh = await measure(store, folder, recipe, engine, surroundings);
      const cached = await measure(store, folder, recipe, engine, surroundings);
      if (cached.written.length > 0) throw new Error("the second run asked the engine");
      return { fresh, cached };
    } finally {
      store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(results: readonly { fresh: Figures; cached: Figures }[]): void {
  const fresh = results.map((result) => result.fresh);
  const cached = results.map((result) => result.cached);
  const walls = (of: readonly Figures[]) => of.map(({ wall }) => wall);
  const engines = (of: readonly Figures[]) => of.map(({ engine }) => engine);
  const rest = (of: readonly Figures[]) => of.map(({ wall, engine }) => wall - engine);
  // The same in every repetition: seeds decide, not time.
  const written = fresh[0]?.written ?? [];
  const answers = written.reduce((sum, { calls }) => sum + calls, 0);
  const perAnswer = (of: readonly Figures[]) => rest(of).map((s) => (1000 * s) / answers);
  console.log(
    `\nAnswers in a round: ${answers} (${written.map(({ stage, calls }) => `${stage} ${calls}`).join(", ")}).`,
  );
  console.log("Training is scripted and not in the wall time; no progress is shown.");
  console.log("Three figures are minimum / median / maximum.");
  printTable(
    ["run", "wall, s", "in the engine, s", "loop, s", "loop per answer, ms"],
    (
      [
        ["empty database", fresh],
        ["all answers in the database", cached],
      ] as const
    ).map(([name, of]) => [
      name,
      spread(walls(of), 3),
      spread(engines(of), 3),
      spread(rest(of), 3),
      spread(perAnswer(of), 2),
    ]),
  );
  const overheads = fresh.map(({ wall, engine }) => wall / engine);
  console.log(`\n- wall over engine time, empty database: ${spread(overheads, 4)}`);
  console.log(
    `- wall of the cached run over the engine time that it saves: ${ratio(walls(cached), engines(fresh), 4)}`,
  );
}

await benchmark(
  {
    name: "loop",
    defaults: { repetitions: 5, size: 16 },
    unit: "training tasks in the round, and 4 gate tasks for each",
  },
  async (surroundings) => {
    const { size, weights, signal } = surroundings;
    const recipe = smallQuickstart({ train: size + 8, gate: 4 * size, perRound: size });
    const engine = await EmbeddedChatModel.load({
      ...engineSettings(recipe),
      modelPath: weights.path,
      modelSha256: weights.sha256,
    });
    try {
      await engine.sample((await teacherRequests(1)).slice(0, 1), {
        adapter: null,
        signal,
        onResult: () => {},
      });
      const [measured] = await interleaved([recipe], surroundings, () =>
        measureBoth(recipe, engine, surroundings),
      );
      print(measured?.results ?? []);
    } finally {
      await engine.dispose();
    }
  },
);

import { announce } from "../controller/announce.js";
import { commitAt } from "../controller/commit.js";
import type { Ledger } from "../controller/ledger.js";
import type { Course } from "../controller/run.js";
import { portsFor } from "../controller/tick.js";
import { clockOf, oneUnit, type RunContext } from "../controller/unit.js";
import { emptyRound } from "../core/round.js";
import { parsePrompt } from "../prompts/load.js";
import type { RunRow } from "../store/runs.js";
import { readEvolutionReport } from "./report.js";
import { readSearch, type Search } from "./search.js";
import { stepsOf } from "./steps.js";
import type { Publish, StepInput, StepOutput } from "./types.js";

/** Of a search's calls and progress: it has no rounds. */
const noRound = 0;

/**
 * A run that searches for a better critique prompt: unit by unit, each committed as a whole, so that it goes on from
 * wherever it was left.
 *
 * @param publish Writes a winner's file and gives its path, relative to the workspace.
 */
export function evolutionCourse(publish: Publish): Course {
  return {
    next: (context) => oneUnit(context, (run, ledger) => nextStep(context, run, ledger, publish)),
    hasBegun: ({ store, runId }) => store.evolutions.steps(runId).length > 0,
    rounds: () => noRound,
  };
}

async function nextStep(
  context: RunContext,
  run: RunRow,
  ledger: Ledger,
  publish: Publish,
): Promise<boolean> {
  const { store, observe } = context;
  const search = readSearch(store, run.id)!;
  const left = stepsOf(search.spec).filter(([name]) => !search.done.has(name));
  const [name, step] = left[0]!;
  observe({ kind: "stage", round: noRound, stage: name });
  const startedAt = clockOf(context).monotonic();
  const output = await step(inputFor(context, run, { search, ledger, publish, stage: name }));
  const seconds = (clockOf(context).monotonic() - startedAt) / 1000;
  const isLast = left.length === 1;
  commitAt(store, `evolve:${name}`, () => {
    store.evolutions.commit(run.id, { name, seconds, summary: output.summary }, output.rows);
    if (isLast) finish(context, run);
    ledger.write();
  });
  observe({ kind: "stage-done", round: noRound, stage: name, seconds, ...summaryOf(output) });
  if (isLast) observe({ kind: "finished", runId: run.id });
  return !isLast;
}

function summaryOf({ summary }: StepOutput) {
  return { summary, runSecondsLeft: null };
}

/** Call inside the transaction of the last unit. */
function finish({ store }: RunContext, run: RunRow): void {
  const { headline } = readEvolutionReport(store, run.id);
  const payload = { incumbent: null, stoppedEarly: null, headline };
  const occasion = store.events.append(run.id, null, "finished", payload);
  const told = { title: `${run.id} finished`, text: `${run.id}: ${headline}` };
  announce(store, run, { event: "finished", occasion, told });
  store.runs.release(run.id, "finished", null);
}

function inputFor(
  context: RunContext,
  run: RunRow,
  work: { search: Search; ledger: Ledger; publish: Publish; stage: string },
): StepInput {
  const { tasks, prompts, models, store } = context;
  const { search, ledger, publish, stage } = work;
  const reflect = store.runs.prompts(run.id).find((each) => each.stage === "evolve")!;
  return {
    runId: run.id,
    search,
    models,
    publish,
    reflect: parsePrompt("evolve", `prompts/evolve/${reflect.name}.md`, reflect.body),
    ports: (role) => portsFor(context, run, { round: { number: noRound }, stage, role, ledger }),
    stage: {
      recipe: run.recipe,
      // As an ordinary run's first round, which shares the drafts.
      round: 1,
      ...{ incumbent: null, candidate: null, earlierExamples: [], earlierLessons: [] },
      ...{ earlierClusters: [], earlierLooks: [], plannedTasks: null },
      ...{ tasks, prompts },
      rows: { ...emptyRound, attempts: search.drafts },
    },
  };
}

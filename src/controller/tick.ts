import { clustersWanted } from "../core/cluster.js";
import type { Candidate } from "../core/entities.js";
import type { Reading } from "../core/health.js";
import type { Role } from "../core/model.js";
import type { Complete } from "../core/ports.js";
import { memorySettings } from "../core/retrain.js";
import { answerSuite } from "../stages/evaluate.js";
import { stagesOf } from "../stages/index.js";
import type { StageInput, StageOutput, StagePorts } from "../stages/types.js";
import type { RoundRow } from "../store/rounds.js";
import type { RunRow } from "../store/runs.js";
import { announce } from "./announce.js";
import { CallsUnderWay } from "./calls-under-way.js";
import { Closing } from "./closing.js";
import { commitAt } from "./commit.js";
import { createComplete } from "./complete.js";
import { withGrades } from "./grading.js";
import { commitHealth, healthNotes, measureHealth, pauseForHealth } from "./health.js";
import type { Ledger } from "./ledger.js";
import { learnFromRound, noteRefused } from "./memory/learn.js";
import { type Recall, recallLessons } from "./memory/recall.js";
import { planFor, planning, settingsOf } from "./plan.js";
import { rememberWithin } from "./remember.js";
import { stopsEarly } from "./stops-early.js";
import { trainWithin } from "./train-within.js";
import { clockOf, hoursOf, oneUnit, type RunContext } from "./unit.js";

/** After the last round: base and final weights answer the sealed suite. */
const finalStage = "final";
/**
 * Does one unit of work: the next stage that has no row, or the final test. What is next is read
 * from the database each time, so that a run goes on from wherever it was left.
 *
 * @returns whether the run has more to do.
 */
export function tick(context: RunContext): Promise<boolean> {
  return oneUnit(context, (run, ledger) => nextUnit(context, run, ledger));
}

async function nextUnit(context: RunContext, run: RunRow, ledger: Ledger): Promise<boolean> {
  const last = context.store.rounds.last(run.id);
  if (last === null || last.finishedAt !== null) {
    if (last !== null) pauseForHealth(context.store, run, last.number);
    const number = (last?.number ?? 0) + 1;
    const early = stopsEarly(context.store, run);
    if (last !== null && (number > run.recipe.rounds || early !== null)) {
      if (early !== null) context.observe({ kind: "note", text: `Stopping early: ${early}.` });
      await finish(context, run, ledger, last.number, early);
      return false;
    }
    ledger.require({ rounds: 1n });
    const { store } = context;
    const place = { round: { number }, stage: planning, role: "coach", ledger } as const;
    const plan = await planFor(context, run, number, ledger, (signal, asked) =>
      portsFor({ ...context, signal }, run, { ...place, asked }),
    );
    if (last !== null && plan !== null && plan.stop !== null) {
      context.observe({ kind: "note", text: `Stopping early: ${plan.stop}.` });
      await finish(context, run, ledger, last.number, plan.stop);
      return false;
    }
    commitAt(store, "round:begin", () => {
      store.rounds.begin(run.id, number, run.incumbent, ledger.now());
      ledger.write();
    });
    return true;
  }
  await nextStage(context, run, last, ledger);
  return true;
}

function secondsSince(startedAt: number, context: RunContext): number {
  return (clockOf(context).monotonic() - startedAt) / 1000;
}

async function nextStage(
  context: RunContext,
  run: RunRow,
  round: RoundRow,
  ledger: Ledger,
): Promise<void> {
  const { store, observe } = context;
  const done = store.rounds.done(run.id, round.number);
  const next = stagesOf(run.recipe).find(([name]) => !done.has(name));
  // The gate, the last stage, ends the round in its own transaction.
  if (next === undefined) throw new Error(`round ${round.number} of ${run.id} has no stage left`);
  const [name, stage, role] = next;
  observe({ kind: "stage", round: round.number, stage: name });
  const startedAt = clockOf(context).monotonic();
  const input = await inputFor(context, run, round);
  const asked = new Set<string>();
  const work = { round, stage: name, role, ledger, asked };
  const made = await stage(input, portsFor(context, run, work));
  const { decision, elicited } = made.rows;
  const recall = elicited ? await recallLessons(context, run, elicited, round.number) : null;
  const output = withRecalled(made, recall);
  const health = decision ? await measureHealth(store, run, input, decision, context.verify) : [];
  const seconds = secondsSince(startedAt, context);
  commitAt(store, `stage:${name}`, () => {
    commit(context, run, round, { name, seconds, ...output }, health);
    if (recall) noteRefused(store, run, round.number, recall);
    store.calls.use(run.id, name, asked);
    ledger.write();
  });
  observe({
    kind: "stage-done",
    round: round.number,
    stage: name,
    summary: output.summary,
    seconds,
    runSecondsLeft: secondsLeft(context, run),
  });
  if (!decision) return;
  observe({ kind: "decision", round: round.number, decision });
  for (const text of healthNotes(health, decision)) observe({ kind: "note", text });
}

/** The tasks that a round takes up, with the lessons that fit them. */
function withRecalled(output: StageOutput, recall: Recall | null): StageOutput {
  if (recall === null || recall.recalled.length === 0) return output;
  const { recalled } = recall;
  const lessons = new Set(recalled.map(({ lessonId }) => lessonId)).size;
  return { rows: { ...output.rows, recalled }, summary: { ...output.summary, lessons } };
}

/** A stage's rows, and with the gate's also its consequence: all or nothing. */
function commit(
  context: RunContext,
  run: RunRow,
  round: RoundRow,
  stage: StageOutput & { name: string; seconds: number },
  health: readonly Reading[],
): void {
  const { store } = context;
  store.rounds.commitStage(run.id, round.number, stage);
  const { decision } = stage.rows;
  if (!decision) return;
  if (decision.outcome === "promoted") store.runs.setIncumbent(run.id, round.candidate);
  const { outcome: event, reason } = decision;
  const occasion = store.events.append(run.id, round.number, event, { reason });
  commitHealth(store, run, round, decision, health);
  learnFromRound(store, run, round.number);
  store.rounds.finish(run.id, round.number);
  if (event === "skipped") return;
  const left = secondsLeft(context, run);
  announce(store, run, { event, occasion, round: round.number, secondsLeft: left });
}

async function inputFor(context: RunContext, run: RunRow, round: RoundRow): Promise<StageInput> {
  const { store, tasks } = context;
  const rows = store.rounds.load(run.id, round.number);
  return {
    ...settingsOf(context, run, round.number),
    round: round.number,
    incumbent: await adapterOf(context, round.incumbent),
    candidate: rows.candidate && (await context.openAdapter(rows.candidate)),
    tasks,
    rows,
    earlierLessons: memorySettings(run.recipe)
      ? store.rounds.distilled.before(run.id, round.number)
      : [],
    earlierClusters: clustersWanted(run.recipe) ? store.clusters.before(run.id, round.number) : [],
    earlierLooks:
      run.recipe.gate.test === "sequential" ? store.rounds.looksBefore(run.id, round.number) : [],
    earlierExamples: round.number > 1 ? store.rounds.examples.of(run.id, round.number - 1) : [],
  };
}

interface Work {
  readonly round: Pick<RoundRow, "number">;
  readonly stage: string;
  readonly role: Role;
  readonly ledger: Ledger;
  /** Gets the keys of all that is asked, to be written down with what came of it. */
  readonly asked?: Set<string>;
}

/** What a stage may do, paid for at its place of the run. */
export function portsFor(context: RunContext, run: RunRow, work: Work): StagePorts {
  const { store, models, verify, prompts } = context;
  const { round, stage, role, ledger, asked = new Set() } = work;
  const closing = new Closing(hoursOf(context, run), run.id);
  const place = { round: round.number, stage };
  const completeAs = (who: Role) =>
    completeFor(context, run, place, { role: who, ledger, closing, asked });
  return {
    complete: completeAs(role),
    verify: withGrades(verify, prompts, run.recipe.seed, completeAs("judge")),
    train: (job) => trainWithin(context, round.number, { ledger, closing }, job),
    remember: (content) => rememberWithin(context, ledger, content),
    render: (messages) => models.student.render(messages),
    countTokens: (texts) => models.student.countTokens(texts),
    logprobs: (callKey) => store.calls.find(callKey)?.logprobs ?? null,
    modelDigest: models.student.digest,
    holdsSchema: models[role].capabilities.schema,
  };
}

/** Answers of a role's model, paid for at a place of the run. */
function completeFor(
  context: RunContext,
  run: RunRow,
  place: { readonly round: number; readonly stage: string },
  how: {
    readonly role: Role;
    readonly ledger: Ledger;
    readonly closing: Closing;
    readonly asked: Set<string>;
  },
): Complete {
  const { store, models, signal, observe } = context;
  const underWay = context.beside?.calls ?? new CallsUnderWay();
  const payer = { runId: run.id, ...place, score: scoreOf(context, run) };
  return createComplete({
    store,
    models,
    recipe: run.recipe,
    payer,
    signal,
    observe,
    underWay,
    ...how,
  });
}

/** The incumbent's share of the gate suite, once it has answered it. */
function scoreOf({ store }: RunContext, run: RunRow): number | null {
  const answers = store.rounds.evaluations.of(run.id, "gate", run.incumbent);
  const right = answers.filter(({ verdict }) => verdict.outcome === "ok").length;
  return answers.length === 0 ? null : right / answers.length;
}

async function finish(
  context: RunContext,
  run: RunRow,
  ledger: Ledger,
  round: number,
  stoppedEarly: string | null,
): Promise<void> {
  const { store, observe, verify, tasks } = context;
  const startedAt = clockOf(context).monotonic();
  const asked = new Set<string>();
  if (tasks.sealed.length > 0) {
    observe({ kind: "stage", round, stage: finalStage });
    const place = { round, stage: finalStage };
    const closing = new Closing(hoursOf(context, run), run.id);
    const complete = completeFor(context, run, place, {
      role: "student",
      ...{ ledger, closing, asked },
    });
    const input = { recipe: run.recipe, prompts: context.prompts, tasks };
    const models =
      run.incumbent === null ? [null] : [null, await adapterOf(context, run.incumbent)];
    for (const adapter of models) {
      const answers = await answerSuite(input, { complete, verify }, "sealed", adapter);
      commitAt(store, "sealed", () => store.rounds.evaluations.insertAll(run.id, answers));
    }
  }
  const seconds = secondsSince(startedAt, context);
  commitAt(store, "finish", () => {
    store.rounds.commitStage(run.id, round, { name: finalStage, rows: {}, summary: {}, seconds });
    store.calls.use(run.id, finalStage, asked);
    const payload = { incumbent: run.incumbent, stoppedEarly };
    const occasion = store.events.append(run.id, null, "finished", payload);
    announce(store, run, { event: "finished", occasion });
    store.runs.release(run.id, "finished", null);
    ledger.write();
  });
  observe({ kind: "finished", runId: run.id });
}

async function adapterOf(context: RunContext, sha256: string | null): Promise<Candidate | null> {
  const row = sha256 === null ? null : context.store.adapters.find(sha256);
  return row && context.openAdapter(row);
}

/** Rounds whose mean says how long the next ones will take: more would only cost time. */
const recentRounds = 20;

/** The mean of the latest finished rounds, for the rounds that are left. */
function secondsLeft({ store }: RunContext, run: RunRow): number | null {
  const last = store.rounds.last(run.id);
  if (last === null) return null;
  const rows = store.rounds.secondsFrom(run.id, last.number - recentRounds);
  const finished = rows.filter(({ round }) => round < last.number || last.finishedAt !== null);
  if (finished.length === 0) return null;
  const mean = finished.reduce((sum, { seconds }) => sum + seconds, 0) / finished.length;
  const current = rows.find(({ round }) => round === last.number && last.finishedAt === null);
  const over = last.number - (last.finishedAt === null ? 1 : 0);
  return Math.max(0, mean * (run.recipe.rounds - over) - (current?.seconds ?? 0));
}

import type { OutcomeCounts } from "../core/entities.js";
import { accuracy, duration, interval, percent, plural, points, pValue, times } from "./figures.js";
import { change, gateRemark } from "./headline.js";
import type { Change, Health, HowItWent, RoundReport, RunReport, SuiteReport } from "./report.js";
import { spendTexts } from "./spend.js";

/** How a renderer shows text that a model or a task file wrote, and text of ours that holds names. */
export interface Style {
  quote(text: string): string;
  plain(text: string): string;
}

/** A line of a list, with lines under it. */
export interface Item {
  readonly text: string;
  readonly details: readonly string[];
}

const item = (text: string, ...details: string[]): Item => ({ text, details });

/** Each suite in a sentence, with what can be held against the figure. */
export function resultItems({
  suites,
  promoted,
  stoppedEarly,
  decided,
  planned,
}: RunReport): Item[] {
  const hasSealed = suites.some(({ suite }) => suite === "sealed");
  const early =
    stoppedEarly === null
      ? []
      : [item(`Stopped early, after ${decided} of ${planned} rounds: ${stoppedEarly}.`)];
  const results = suites.map((report) => {
    const remarks: Record<SuiteReport["suite"], string> = {
      sealed: "The loop never saw these tasks.",
      gate: `Beside it: ${gateRemark}.`,
      retention: "What the base weights could do already.",
    };
    const flattering = report.suite === "gate" && (promoted === 0 || !hasSealed);
    return item(
      `${report.suite}: ${change(report)}`,
      ...(flattering ? [] : [remarks[report.suite]]),
      ...pairDetails(report),
    );
  });
  return [...results, ...early];
}

function pairDetails({ base, comparison, margin }: SuiteReport): string[] {
  if (comparison === null) return [`Ungradable answers: ${base.ungradable}.`];
  const { candidate, gained, lost, gradable, low } = comparison;
  const unreadable = base.ungradable + candidate.ungradable > 0;
  const details = [
    `${plural(gained, "task")} gained, ${lost} lost. Ungradable answers: ${base.ungradable} before, ${candidate.ungradable} now.`,
  ];
  if (unreadable) {
    details.push(
      `On the ${plural(gradable.tasks, "task")} that both answered readably: ${points(gradable.difference)} points (${gradable.gained} gained, ${gradable.lost} lost).`,
    );
  }
  if (margin !== null) {
    details.push(
      `At worst ${points(low)} points; the recipe allows ${points(-margin)}: ${low >= -margin ? "within the margin" : "OUTSIDE THE MARGIN, counted from the base weights"}.`,
    );
  }
  return details;
}

/** A round's figures as short texts, in the order of the loop. */
export function roundFigures(report: RoundReport, health: Health) {
  const { attempts, revisions, examples, training, decision } = report;
  const gate = decision?.gate ?? null;
  const retention = decision?.retention ?? null;
  return {
    attempts: right(attempts),
    solved: `${report.tasksSolved}/${report.tasks}`,
    critiques: String(report.critiques),
    revisions: right(revisions),
    fixed: String(report.tasksFixed),
    examples: `${examples.attempt} + ${examples.revision} + ${examples.replay}`,
    loss: training?.loss?.toFixed(3) ?? "–",
    gate: gate ? `${accuracy(gate.baseline)} → ${accuracy(gate.candidate)}` : "–",
    difference: gate ? `${points(gate.difference)} (${interval(gate)})` : "–",
    level:
      gate && decision ? `${pValue(gate.pBetter)} (${Number(decision.level.toPrecision(2))})` : "–",
    retention: retention ? `${points(retention.difference)} (${interval(retention)})` : "–",
    decision: decision ? outcomeOf(report, health) : "not decided yet",
  };
}

function right({ ok, wrong, ungradable }: OutcomeCounts): string {
  const total = ok + wrong + ungradable;
  return `${ok}/${total}${ungradable > 0 ? ` (${ungradable} ungradable)` : ""}`;
}

/** The gate's decision, and whether a monitor took it back. */
function outcomeOf({ round, decision }: RoundReport, { rolledBack }: Health): string {
  return `${decision?.outcome}${rolledBack.includes(round) ? ", then rolled back" : ""}`;
}

/** Why a round ended as it did, and what curation refused. */
export function roundReasons(report: RoundReport, health: Health, style: Style): Item {
  const { decision, refused, carriedOver } = report;
  const details: string[] = [];
  if (carriedOver > 0)
    details.push(`${plural(carriedOver, "example")} carried over from earlier rounds.`);
  if (refused.length > 0) {
    const reasons = refused.map(({ reason, count }) => `${style.plain(reason)} (${count})`);
    details.push(`Refused for training: ${reasons.join(", ")}.`);
  }
  const ending = decision
    ? `${outcomeOf(report, health)}: ${style.plain(decision.reason)}`
    : "not decided yet";
  return item(`Round ${report.round} ${ending}`, ...details);
}

/** Tasks that came right or went wrong, under a title each. */
export function changeGroups(
  { changes }: RunReport,
  style: Style,
): { title: string; items: Item[] }[] {
  if (changes === null) return [];
  const show = (each: Change) =>
    item(
      `Task: ${style.quote(each.task)}`,
      ...(each.expected === null ? [] : [`Expected: ${style.quote(each.expected)}`]),
      `Base said: ${style.quote(each.base)}`,
      `Now says: ${style.quote(each.final)}`,
    );
  const title = (shown: number, all: number, what: string) =>
    `${what}: ${shown === all ? all : `the first ${shown} of ${all}`} (${changes.suite} suite, in its order)`;
  return [
    {
      title: title(changes.better.length, changes.gained, "Wrong before, right now"),
      items: changes.better.map(show),
    },
    {
      title: title(changes.worse.length, changes.lost, "Right before, wrong now"),
      items: changes.worse.map(show),
    },
  ].filter(({ items }) => items.length > 0);
}

/** Drafts that the model put right itself. */
export function reworkedItems({ reworked }: RunReport, style: Style): Item[] {
  return reworked.map(({ round, task, draft, critique, revision }) =>
    item(
      `Round ${round}, task: ${style.quote(task)}`,
      `Draft: ${style.quote(draft)}`,
      ...(critique === null ? [] : [`Critique: ${style.quote(critique)}`]),
      `Revision: ${style.quote(revision)}`,
    ),
  );
}

/** What the figures rest on: sizes, looks, hashes. */
export function basisItems({ basis, planned }: RunReport): Item[] {
  const { tasks, looks, alpha, levelPerLook, prompts, incumbent } = basis;
  const sizes = Object.entries(tasks).map(([split, size]) => `${split} ${size}`);
  return [
    item(`Tasks: ${sizes.join(", ")}.`),
    item(
      `Looks at the gate: ${looks} of ${planned} planned; each tested one-sided at ${Number(levelPerLook.toPrecision(2))}, so that the whole run promotes a candidate that is no better with a chance of at most ${percent(alpha)}.`,
    ),
    item("Differences: exact McNemar test, Tango's 95% interval; p two-sided except at the gate."),
    item(`Incumbent: ${incumbent === null ? "the base weights" : `adapter ${incumbent}`}`),
    item(`Model digest (weights, template, engine): ${basis.modelDigest}`),
    item(`Recipe hash: ${basis.recipeHash}; seed ${basis.seed}`),
    ...prompts.map(({ stage, name, hash }) =>
      item(`Prompt ${stage}/${name}: ${hash.slice(0, 16)}`),
    ),
  ];
}

/** Interruptions, failures and the time that was worked. */
export function historyItems({ howItWent }: RunReport, style: Style): Item[] {
  const { rounds } = howItWent;
  const seconds = rounds.reduce((sum, round) => sum + round.seconds, 0);
  const each = rounds.map(
    ({ round, seconds: all, trainingSeconds }) =>
      `Round ${round}: ${duration(all)}${trainingSeconds === null ? "" : `, ${duration(trainingSeconds)} of it training`}`,
  );
  const { startedAt, finishedAt, state } = howItWent;
  return [
    item(`State: ${state}. Started ${startedAt}${finishedAt ? `, finished ${finishedAt}` : ""}.`),
    item(
      disturbances(howItWent),
      ...howItWent.failures.map((reason) => `Failed: ${style.plain(reason)}`),
    ),
    ...notificationItems(howItWent, style),
    item(`Time in finished stages: ${duration(seconds)}.`, ...each),
    item(
      howItWent.spend.money === null
        ? "Cost: 0, all on this machine."
        : `Cost: ${howItWent.spend.money}, at the recipe's prices.`,
    ),
  ];
}

function notificationItems({ notifications }: HowItWent, style: Style): Item[] {
  const { sent, waiting, givenUp, problem } = notifications;
  if (sent + waiting + givenUp === 0) return [];
  const parts = [
    `${sent} sent`,
    ...(waiting > 0 ? [`${waiting} not delivered yet`] : []),
    ...(givenUp > 0 ? [`${givenUp} given up`] : []),
  ];
  const details = problem === null ? [] : [`Last problem: ${style.plain(problem)}`];
  return [item(`Notifications: ${parts.join(", ")}.`, ...details)];
}

function disturbances({ interruptions, pauses, failures, crashes, resumes }: HowItWent): string {
  const parts = [
    ...(interruptions > 0 ? [`stopped on request ${times(interruptions)}`] : []),
    ...(pauses > 0 ? [`paused ${times(pauses)}`] : []),
    ...(failures.length > 0 ? [`failed ${times(failures.length)}`] : []),
    ...(crashes > 0 ? [`ended without a word ${times(crashes)}`] : []),
    ...(resumes > 0 ? [`resumed ${times(resumes)}`] : []),
  ];
  if (parts.length === 0) return "Undisturbed from start to end.";
  const text = parts.join(", ");
  return `${text[0]!.toUpperCase()}${text.slice(1)}; nothing was paid for twice.`;
}

/** What was spent beside the budgets, and what going on would take. */
export function spendItems({ howItWent }: RunReport): Item[] {
  return spendTexts(howItWent.spend).map((text) => item(text));
}

/** Header and rows of what each stage took. */
export function costTable({ howItWent }: RunReport): { header: string[]; rows: string[][] } {
  const number = (value: number) => value.toLocaleString("en-US");
  return {
    header: ["stage", "time", "calls paid", "prompt tokens read", "tokens written"],
    rows: howItWent.stages.map(({ stage, seconds, calls, promptTokens, completionTokens }) => [
      stage === "final" ? "sealed suite" : stage,
      seconds === null ? "–" : duration(seconds),
      number(calls),
      number(promptTokens),
      number(completionTokens),
    ]),
  };
}

/** Commands worth typing now. */
export function nextCommands({
  run,
  basis,
  finished,
  tryPrompt,
}: RunReport): [command: string, what: string][] {
  const prompt = tryPrompt === null ? "" : ` "${tryPrompt}"`;
  return [
    ...(finished ? [] : [[`redistill resume ${run}`, "go on with it"] as [string, string]]),
    [`redistill sample${prompt} --run ${run}`, "ask base and incumbent side by side"],
    ...(basis.incumbent === null
      ? []
      : [[`redistill export ${run}`, "the adapter and its training set"] as [string, string]]),
    [`redistill report ${run}`, "this report again"],
    ["redistill init", "a commented recipe of your own to edit and run"],
  ];
}

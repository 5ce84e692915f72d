import { clockTime, dateTime, duration, figure, plural, times } from "./figures.js";
import type { HowItWent, RunReport, StageCost } from "./report.js";
import type { Item, Style } from "./sections.js";
import { spendTexts } from "./spend.js";
import { stageName } from "./timeline.js";

/** Lines of the timeline that are shown at most; of a longer one its beginning and its end. */
const mostEntries = 120;
const atTheBeginning = 20;

/** The run's state, and what it survived. */
export function faultItems({ howItWent }: RunReport, style: Style): Item[] {
  const { startedAt, finishedAt, state, timeZone } = howItWent;
  const at = (time: string) => dateTime(time, timeZone);
  const ended = finishedAt ? `, finished ${at(finishedAt)}` : "";
  return [
    item(`State: ${state}. Made ${at(startedAt)}${ended}. Times are those of ${timeZone}.`),
    item(disturbances(howItWent), ...reasons(howItWent, style)),
  ];
}

function disturbances(facts: HowItWent): string {
  const { interruptions, failures, crashes, resumes, pauses, others } = facts;
  const paused = total(pauses.map(({ count }) => count));
  const parts = [
    ...(interruptions > 0 ? [`stopped on request ${times(interruptions)}`] : []),
    ...(paused > 0 ? [`paused ${times(paused)}`] : []),
    ...(failures.length > 0 ? [`failed ${times(failures.length)}`] : []),
    ...(crashes > 0 ? [`ended without a word (killed or crashed) ${times(crashes)}`] : []),
    ...(resumes > 0 ? [`resumed ${times(resumes)}`] : []),
  ];
  if (parts.length === 0) {
    if (others.length > 0) return "Never stopped.";
    return facts.finishedAt === null ? "Undisturbed so far." : "Undisturbed from start to end.";
  }
  const text = parts.join(", ");
  return `${text[0]!.toUpperCase()}${text.slice(1)}; nothing was paid for twice.`;
}

function reasons({ pauses, failures, others }: HowItWent, style: Style): string[] {
  const failed = new Map<string, number>();
  for (const reason of failures) failed.set(reason, (failed.get(reason) ?? 0) + 1);
  const again = (count: number) => (count === 1 ? "" : ` (${times(count)})`);
  return [
    ...pauses.map(({ what, count }) => `Paused for: ${style.plain(what)}${again(count)}`),
    ...[...failed].map(([reason, count]) => `Failed: ${style.plain(reason)}${again(count)}`),
    ...others.map(({ what, count }) => `${style.plain(what)}: ${times(count)}`),
  ];
}

export interface TimelineRow {
  readonly when: string;
  readonly tone: HowItWent["timeline"][number]["tone"];
  readonly text: string;
}

/** The timeline in the report's zone, with its middle left out where it is long. */
export function timelineRows({ howItWent }: RunReport): TimelineRow[] {
  const { timeline, timeZone } = howItWent;
  const row = ({ at, tone, text, times: count }: (typeof timeline)[number]): TimelineRow => ({
    when: clockTime(at, timeZone),
    tone,
    text: count === 1 ? text : `${text} (${times(count)} in a row)`,
  });
  if (timeline.length <= mostEntries) return timeline.map(row);
  const left = timeline.length - mostEntries;
  const gap = { when: "…", tone: "plain", text: `${plural(left, "line")} left out` } as const;
  return [
    ...timeline.slice(0, atTheBeginning).map(row),
    gap,
    ...timeline.slice(atTheBeginning - mostEntries).map(row),
  ];
}

/** The same as items of a list. */
export function timelineItems(report: RunReport, style: Style): Item[] {
  return timelineRows(report).map(({ when, text }) => item(`${when}  ${style.plain(text)}`));
}

/** The title of what was spent. */
export function spendTitle({ howItWent }: RunReport): string {
  return howItWent.spend.limited ? "Spend against budget" : "Spend";
}

/** What was spent beside the budgets, and what going on would take. */
export function spendItems({ howItWent }: RunReport): Item[] {
  const { spend, rounds } = howItWent;
  const seconds = total(rounds.map((round) => round.seconds));
  return [
    ...spendTexts(spend).map((text) => item(text)),
    item(`Time in finished stages: ${duration(seconds)}.`),
    item(
      spend.money === null
        ? "Cost: 0, all on this machine."
        : `Cost: ${spend.money}, at the recipe's prices.`,
    ),
  ];
}

/** Header and rows of what each round took; the sealed suite counts to the last one. */
export function roundCostTable({ howItWent, rounds }: RunReport): CostTable {
  const { spend, rounds: timed } = howItWent;
  const priced = spend.money !== null;
  const rows = timed.map(({ round, seconds, trainingSeconds }) => {
    const spent = spend.rounds.find((row) => row.round === round);
    const trained = rounds.find((report) => report.round === round)?.training;
    return [
      String(round),
      duration(seconds),
      trainingSeconds === null ? "–" : duration(trainingSeconds),
      trained ? figure(trained.tokens) : "–",
      spent?.calls ?? "0",
      spent?.tokens ?? "0",
      ...(priced ? [spent?.money ?? "0"] : []),
    ];
  });
  const header = ["round", "time", "of it training", "tokens trained on", "calls paid", "tokens"];
  return { header: priced ? [...header, "money"] : header, rows };
}

interface CostTable {
  readonly header: string[];
  readonly rows: string[][];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

type StageTotal = Omit<StageCost, "round">;

/** What each stage took over all rounds. */
export function byStage({ howItWent }: RunReport): StageTotal[] {
  const stages = new Map<string, StageTotal>();
  for (const { round: _, ...row } of howItWent.stages) {
    const sum = stages.get(row.stage);
    stages.set(row.stage, sum === undefined ? row : together(sum, row));
  }
  return [...stages.values()];
}

function together(one: StageTotal, other: StageTotal): StageTotal {
  const unfinished = one.seconds === null && other.seconds === null;
  return {
    stage: one.stage,
    seconds: unfinished ? null : (one.seconds ?? 0) + (other.seconds ?? 0),
    calls: one.calls + other.calls,
    promptTokens: one.promptTokens + other.promptTokens,
    promptTokensRead: one.promptTokensRead + other.promptTokensRead,
    completionTokens: one.completionTokens + other.completionTokens,
  };
}

/** Header and rows of what each stage took. */
export function stageCostTable(report: RunReport): CostTable {
  return {
    header: ["stage", "time", "calls paid", "prompt tokens", "of them read", "tokens written"],
    rows: byStage(report).map((row) => [
      stageName(row.stage),
      row.seconds === null ? "–" : duration(row.seconds),
      figure(row.calls),
      figure(row.promptTokens),
      figure(row.promptTokensRead),
      figure(row.completionTokens),
    ]),
  };
}

function item(text: string, ...details: string[]): Item {
  return { text, details };
}

import { clockTime, dateTime, duration, figure, plural, times } from "./figures.js";
import type { HowItWent, RunReport, StageCost } from "./report.js";
import type { Item, Style } from "./sections.js";
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

/** Time and tokens of the whole run and of each round; the final test counts to the last one. */
export function spendItems({ howItWent, rounds }: RunReport): Item[] {
  const seconds = total(howItWent.rounds.map((round) => round.seconds));
  const tokens = tokensOf(howItWent.stages);
  const each = howItWent.rounds.map(({ round, seconds: all, trainingSeconds }) => {
    const trained = rounds.find((report) => report.round === round)?.training;
    const training =
      trained && trainingSeconds !== null
        ? `, ${duration(trainingSeconds)} of it training on ${figure(trained.tokens)} tokens`
        : "";
    const spent = tokensOf(howItWent.stages.filter((stage) => stage.round === round));
    return `Round ${round}: ${duration(all)}${training}; ${spent}`;
  });
  return [
    item(`Time in finished stages: ${duration(seconds)}; ${tokens}.`, ...each),
    item("Cost: 0, all on this machine."),
  ];
}

function tokensOf(stages: readonly StageCost[]): string {
  const read = total(stages.map(({ promptTokens }) => promptTokens));
  const written = total(stages.map(({ completionTokens }) => completionTokens));
  return `${figure(read)} tokens read, ${figure(written)} written`;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** What each stage took over all rounds. */
export function byStage({ howItWent }: RunReport): Omit<StageCost, "round">[] {
  const stages = new Map<string, Omit<StageCost, "round">>();
  for (const { stage, seconds, calls, promptTokens, completionTokens } of howItWent.stages) {
    const sum = stages.get(stage);
    stages.set(stage, {
      stage,
      seconds: seconds === null ? (sum?.seconds ?? null) : (sum?.seconds ?? 0) + seconds,
      calls: (sum?.calls ?? 0) + calls,
      promptTokens: (sum?.promptTokens ?? 0) + promptTokens,
      completionTokens: (sum?.completionTokens ?? 0) + completionTokens,
    });
  }
  return [...stages.values()];
}

/** Header and rows of what each stage took. */
export function costTable(report: RunReport): { header: string[]; rows: string[][] } {
  return {
    header: ["stage", "time", "calls paid", "prompt tokens read", "tokens written"],
    rows: byStage(report).map(({ stage, seconds, calls, promptTokens, completionTokens }) => [
      stageName(stage),
      seconds === null ? "–" : duration(seconds),
      figure(calls),
      figure(promptTokens),
      figure(completionTokens),
    ]),
  };
}

function item(text: string, ...details: string[]): Item {
  return { text, details };
}

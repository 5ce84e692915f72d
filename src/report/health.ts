import { healthAdvice, type Reading } from "../core/health.js";
import { percent } from "./figures.js";
import type { RunReport } from "./report.js";
import type { Item, Style } from "./sections.js";

/** Each monitor in a line, each round in a column; `!` where it fired, – where it had nothing to read. */
export function healthTable(
  { health: { readings } }: RunReport,
  mostRounds = Number.POSITIVE_INFINITY,
): { header: string[]; rows: string[][] } {
  const all = [...new Set(readings.map(({ round }) => round))];
  const rounds = all.slice(Math.max(0, all.length - mostRounds));
  const monitors = [...new Set(readings.map(({ monitor }) => monitor))];
  const cell = (round: number, monitor: string) => {
    const reading = readings.find((each) => each.round === round && each.monitor === monitor);
    return reading === undefined ? "–" : `${reading.fired ? "! " : ""}${shown(reading)}`;
  };
  return {
    header: ["monitor", ...rounds.map((round) => `round ${round}`)],
    rows: monitors.map((monitor) => [monitor, ...rounds.map((round) => cell(round, monitor))]),
  };
}

function shown({ monitor, value }: Reading): string {
  return monitor === "length" ? `${value} chars` : percent(value);
}

/** One sentence for each time that a monitor fired, what came of it, and what can be done. */
export function healthItems({ health }: RunReport, style: Style): Item[] {
  const { readings, rolledBack } = health;
  const fired = readings.filter((reading) => reading.fired);
  if (readings.length > 0 && fired.length === 0) {
    return [{ text: "No monitor fired.", details: [] }];
  }
  return fired.map(({ round, monitor, action, text }) => ({
    text: `Round ${round}, ${monitor}: ${style.plain(text)}${consequence(action, rolledBack.includes(round))}.`,
    details: [healthAdvice[monitor]],
  }));
}

function consequence(action: Reading["action"], rolledBack: boolean): string {
  if (action === "warn") return "";
  if (action === "stop") return "; the run stopped here";
  return rolledBack ? "; the promotion was taken back" : "; there was no promotion to take back";
}

import type { Item } from "../../report/sections.js";
import type { StudyReport } from "./report.js";

/** When everything ran, in UTC; nothing where the report was read without times. */
export function timeItems({ howItWent }: StudyReport): Item[] {
  if (howItWent === null) return [];
  const { createdAt, finishedAt, runs } = howItWent;
  const item = (text: string): Item => ({ text, details: [] });
  return [
    item(`Begun ${createdAt}, ${finishedAt === null ? "not finished" : `finished ${finishedAt}`}.`),
    ...runs.map((run) =>
      item(`${run.arm}, seed ${run.seed}: ${run.startedAt} to ${run.finishedAt ?? "–"}`),
    ),
  ];
}

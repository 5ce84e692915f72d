import { parquetWriteBuffer } from "hyparquet-writer";
import type { StudyReport } from "./report.js";

interface LongRow {
  readonly arm: string;
  /** null: the untrained weights. */
  readonly seed: number | null;
  readonly task: string;
  readonly suite: string;
  readonly right: boolean;
}

function longRows({ answers }: StudyReport): LongRow[] {
  return answers.flatMap(({ suite, tasks, rows }) =>
    rows.flatMap(({ arm, seed, marks }) =>
      tasks.flatMap((task, at) =>
        marks[at] === "-" ? [] : [{ arm, seed, task, suite, right: marks[at] === "1" }],
      ),
    ),
  );
}

/**
 * Every answer of every arm as CSV (RFC 4180, lines ended by \n): arm, seed (empty for the untrained
 * weights), task, suite, right (1 or 0).
 */
export function studyCsv(report: StudyReport): string {
  const lines = longRows(report).map(({ arm, seed, task, suite, right }) =>
    [arm, seed ?? "", field(task), suite, right ? 1 : 0].join(","),
  );
  return `${["arm,seed,task,suite,right", ...lines].join("\n")}\n`;
}

/** A spreadsheet takes what begins with = + - @ for a formula; an id that does so is made a text. */
function field(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replace(/"/g, '""')}"` : plain;
}

/** The same table as Apache Parquet; the seed of the untrained weights is null. */
export function studyParquet(report: StudyReport): Uint8Array {
  const rows = longRows(report);
  const text = (name: string, data: string[]) =>
    ({ name, data, type: "STRING", nullable: false }) as const;
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        text(
          "arm",
          rows.map(({ arm }) => arm),
        ),
        { name: "seed", data: rows.map(({ seed }) => seed), type: "INT32", nullable: true },
        text(
          "task",
          rows.map(({ task }) => task),
        ),
        text(
          "suite",
          rows.map(({ suite }) => suite),
        ),
        { name: "right", data: rows.map(({ right }) => right), type: "BOOLEAN", nullable: false },
      ],
    }),
  );
}

import { readFileSync } from "node:fs";
import { join } from "node:path";

interface Reference {
  readonly distributions: Readonly<Record<string, number[][]>>;
  readonly mixed: {
    readonly crossed: {
      readonly values: number[][];
      readonly components: { task: number; seed: number; residual: number };
      readonly standardError: number;
      /** Task, seed, residual. */
      readonly meanSquares: [number, number, number];
    }[];
    readonly single: {
      readonly values: number[];
      readonly p: number;
      readonly low: number;
      readonly high: number;
      readonly confidence: number;
    };
  };
  readonly bootstrap: {
    readonly clusters: number[];
    readonly replicates: number[];
    readonly cases: [confidence: number, low: number, high: number][];
  };
  readonly holm: [p: number[], adjusted: number[]][];
  readonly effects: {
    readonly values: number[];
    readonly cohensD: number;
    readonly odds: [
      gained: number,
      lost: number,
      confidence: number,
      low: number,
      high: number | null,
    ][];
  };
  readonly equivalence: {
    readonly differences: number[];
    readonly cases: [margin: number, p: number, notWorse: number, notBetter: number][];
  };
  readonly power: {
    readonly t: [tasks: number, deviation: number, alpha: number, power: number, least: number][];
    readonly mcnemar: [
      tasks: number,
      discordant: number,
      level: number,
      gain: number,
      power: number,
    ][];
  };
  readonly sequence: {
    readonly differences: number[];
    readonly cases: [tasks: number, confidence: number, low: number, high: number][];
  };
}

/** What scipy, statsmodels and confseq give; `reference.py` says how it was made. */
export const reference: Reference = JSON.parse(
  readFileSync(join(import.meta.dirname, "reference.json"), "utf8"),
);

import { critique } from "./critique.js";
import { curate } from "./curate.js";
import { elicit } from "./elicit.js";
import { evaluate } from "./evaluate.js";
import { gate } from "./gate.js";
import { generate } from "./generate.js";
import { refine } from "./refine.js";
import { retrain } from "./retrain.js";
import type { Stage } from "./types.js";

/** The loop. The order of a round is stated here and nowhere else. */
export const stages = [
  ["elicit", elicit],
  ["generate", generate],
  ["critique", critique],
  ["refine", refine],
  ["curate", curate],
  ["retrain", retrain],
  ["evaluate", evaluate],
  ["gate", gate],
] as const satisfies readonly (readonly [string, Stage])[];

// The adaptive policy's rules on simulated nights: all of them, each alone, and all but each, against the recipe as
// written at equal tokens. Pure arithmetic with fixed seeds: it prints the same everywhere.
import { parseArgs } from "node:util";
import { rules } from "../src/policy/adaptive.js";
import { bootstrapByTask, mean } from "../src/stats/index.js";
import { printTable } from "./support/benchmark.js";
import { type Arm, type NightResult, simulateNight } from "./support/simulated-night.js";

const all = Object.entries(rules);
const arms: readonly (readonly [name: string, arm: Arm])[] = [
  ["fixed", null],
  ["adaptive: all rules", all.map(([, rule]) => rule)],
  ["adaptive: no rule (validation paid for)", []],
  ...all.map(([name, rule]) => [`only ${name}`, [rule]] as const),
  ...all.map(
    ([name]) =>
      [`all but ${name}`, all.filter(([other]) => other !== name).map(([, rule]) => rule)] as const,
  ),
];

const { values } = parseArgs({ options: { nights: { type: "string", default: "1000" } } });
const nights = Number(values.nights);
if (!Number.isInteger(nights) || nights < 2) {
  console.error("--nights must be a whole number from 2");
  process.exitCode = 2;
} else {
  report(
    Array.from({ length: nights }, (_, night) =>
      simulateNight(
        arms.map(([, arm]) => arm),
        night,
      ),
    ),
  );
}

function report(results: readonly (readonly NightResult[])[]): void {
  console.log(`# policies on ${nights} simulated nights`);
  console.log(
    "\nArea: mean share of held-out tasks that the incumbent answers rightly over the night's tokens, in points. Differences are paired by night, with 95% BCa intervals over nights.",
  );
  const rows = arms.map(([name], arm) => {
    const own = results.map((night) => night[arm]!);
    return [
      name,
      points(mean(own.map(({ area }) => area))!),
      arm === 0 ? "" : against(results, arm, 0),
      name.startsWith("all but") ? against(results, arm, 1) : "",
      points(mean(own.map(({ final }) => final))!),
      mean(own.map(({ rounds }) => rounds))!.toFixed(1),
    ];
  });
  printTable(["arm", "area", "against fixed", "against all rules", "at the end", "rounds"], rows);
}

function against(results: readonly (readonly NightResult[])[], arm: number, other: number): string {
  const differences = results.map((night) => night[arm]!.area - night[other]!.area);
  const figure = (values: readonly number[]) => mean(values)!;
  const { low, high } = bootstrapByTask(differences, figure, {
    ...{ confidence: 0.95, seed: arm, resamples: 1_999 },
  });
  return `${signed(figure(differences))} (${signed(low)} to ${signed(high)})`;
}

function points(share: number): string {
  return (share * 100).toFixed(2);
}

function signed(share: number): string {
  return `${share < 0 ? "" : "+"}${points(share)}`;
}

// How often the gates promote what is no better, and how often they find what is: simulated nights.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { randomFrom } from "../src/core/random.js";
import { detectableGain, mcnemarPower } from "../src/stats/index.js";
import { printTable } from "./support/benchmark.js";
import { claims, curveSvg, percent, withInterval } from "./support/gate-claims.js";
import {
  exactGate,
  type Gate,
  type Night,
  type NightResult,
  nightUnder,
  sequentialGate,
  wrongAfterRightOne,
} from "./support/night.js";

const alpha = 0.05;
const looks = 8;
const accuracy = 0.6;
const correlations = [0.75, 0.85, 0.93];
/** Then two attempts of one model correlate by 0.81 at 0.75: the median of what was measured. */
const own = 0.25;
const gains = [0, 0.02, 0.03, 0.05, 0.07, 0.1];
const gates: readonly (readonly [name: string, gate: Gate])[] = [
  ["today's", exactGate],
  ["sequential", sequentialGate(1)],
  ["sequential, 4 attempts", sequentialGate(4)],
];

function simulate(nights: number, night: Night, seed: number): NightResult[][] {
  const random = randomFrom(seed);
  const all = gates.map(([, gate]) => gate);
  return Array.from({ length: nights }, () => nightUnder(all, night, alpha, random));
}

function shareOf(results: readonly NightResult[], holds: (result: NightResult) => boolean): number {
  return results.filter(holds).length / results.length;
}

const meanTasks = (results: readonly NightResult[]) =>
  results.reduce((sum, { tasksOfFirstLook }) => sum + tasksOfFirstLook, 0) / results.length;

function wrongPromotions(nights: number): void {
  console.log(`\n## Candidates that are no better: ${nights} nights of ${looks} looks, 200 tasks`);
  const rows = correlations.flatMap((correlation) => {
    const night = { looks, tasks: 200, accuracy, gain: 0, correlation, own, attempts: 4 };
    const results = simulate(nights, night, 1000 * correlation);
    return gates.map(([name], i) => {
      const own = results.map((result) => result[i]!);
      const wrong = own.filter(({ promotedAt }) => promotedAt !== null).length;
      return [String(correlation), name, withInterval(wrong, nights), meanTasks(own).toFixed(0)];
    });
  });
  printTable(["correlation", "gate", "nights with a wrong promotion", "tasks asked a look"], rows);
}

function afterAPromotion(nights: number): void {
  console.log(
    `\n## A first candidate of +10 points, then ${looks - 1} that are no better: ${nights} nights, 200 tasks`,
  );
  const rows = correlations.flatMap((correlation) =>
    gates.map(([name, gate]) => {
      const random = randomFrom(1000 * correlation + 7);
      const night = { looks, tasks: 200, accuracy, gain: 0.1, correlation, own, attempts: 4 };
      const all = Array.from({ length: nights }, () =>
        wrongAfterRightOne(gate, night, alpha, random),
      );
      const promoted = all.filter((wrong) => wrong !== null);
      const wrong = promoted.filter(Boolean).length;
      return [String(correlation), name, String(promoted.length), withInterval(wrong, nights)];
    }),
  );
  printTable(
    ["correlation", "gate", "nights with the first promoted", "a wrong one after it"],
    rows,
  );
}

function powerCurve(nights: number): void {
  console.log(`\n## Candidates that are better: ${nights} nights of ${looks} looks, 400 tasks`);
  const rows = correlations.flatMap((correlation) =>
    gains.flatMap((gain) => {
      const night = { looks, tasks: 400, accuracy, gain, correlation, own, attempts: 4 };
      const results = simulate(nights, night, 1000 * correlation + 10_000 * gain);
      return gates.map(([name], i) => {
        const own = results.map((result) => result[i]!);
        return [
          String(correlation),
          `+${(100 * gain).toFixed(0)}`,
          name,
          percent(shareOf(own, ({ promotedAt }) => promotedAt === 1)),
          percent(shareOf(own, ({ promotedAt }) => promotedAt !== null)),
          meanTasks(own).toFixed(0),
        ];
      });
    }),
  );
  const head = ["correlation", "true gain", "gate", "found at one look", "found in the night"];
  printTable([...head, "tasks asked in the first look"], rows);
}

function attemptsNeeded(nights: number): void {
  console.log(`\n## +5 points at one look of ${looks}, 400 tasks, sequential: what attempts buy`);
  const tried = [1, 2, 4, 8];
  const rows = correlations.flatMap((correlation) =>
    [0.25, 0.5, 0.75].map((own) => {
      const random = randomFrom(1000 * correlation + 100 * own);
      const night = { looks: 1, tasks: 400, accuracy, gain: 0.05, correlation, own, attempts: 8 };
      const results = Array.from({ length: nights }, () =>
        nightUnder(tried.map(sequentialGate), night, alpha / looks, random),
      );
      const found = tried.map((_, i) =>
        percent(
          shareOf(
            results.map((result) => result[i]!),
            ({ promotedAt }) => promotedAt === 1,
          ),
        ),
      );
      return [String(correlation), (correlation + own * (1 - correlation)).toFixed(2), ...found];
    }),
  );
  const head = tried.map((attempts) => `${attempts} attempt${attempts > 1 ? "s" : ""}`);
  printTable(["between models", "between attempts", ...head], rows);
}

function needs(): void {
  console.log("\n## What today's gate needs at one look for 80%, exactly (no simulation)");
  const levels = [
    ["8 looks", alpha / 8],
    ["4 looks", alpha / 4],
    ["2 looks", alpha / 2],
    ["1 look", alpha],
  ] as const;
  const rows = [0.08, 0.1, 0.15, 0.2].flatMap((discordant) =>
    levels.map(([name, level]) => {
      const power = mcnemarPower({ tasks: 400, discordant, level }, 0.05);
      const least = detectableGain({ tasks: 400, discordant, level }, 0.8);
      const seen = least === null ? "none" : `+${(100 * least).toFixed(1)}`;
      return [percent(discordant), name, percent(power), seen, String(tasksFor(discordant, level))];
    }),
  );
  const head = [
    "tasks that differ",
    "planned",
    "power for +5 at 400 tasks",
    "gain seen at 400 tasks",
  ];
  printTable([...head, "tasks for +5"], rows);
}

/** The tasks that +5 points take for a power of 80%, to the next 20. */
function tasksFor(discordant: number, level: number): number {
  let tasks = 20;
  while (mcnemarPower({ tasks, discordant, level }, 0.05) < 0.8) tasks += 20;
  return tasks;
}

const { values } = parseArgs({
  options: {
    nights: { type: "string", default: "2000" },
    /** Where to write the curve as an SVG. */
    curve: { type: "string" },
    /** The two claims alone. */
    claims: { type: "boolean", default: false },
  },
});
const nights = Number(values.nights);
if (!Number.isInteger(nights) || nights < 1) {
  console.error("--nights must be a whole number from 1");
  process.exitCode = 2;
} else {
  console.log(
    `# gate simulation: alpha ${alpha} over ${looks} looks, incumbent ${percent(accuracy)}`,
  );
  const curves = claims(nights);
  if (values.curve !== undefined) writeFileSync(values.curve, curveSvg(curves));
  if (!values.claims) {
    wrongPromotions(nights);
    afterAPromotion(Math.ceil(nights / 2));
    powerCurve(Math.ceil(nights / 2));
    attemptsNeeded(Math.ceil(nights / 2));
    needs();
  }
}

import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { messageOf, RedistillError } from "../../src/core/errors.js";
import { probeEngine } from "../../src/models/embedded/engine.js";
import { ensureWeights, type WeightsFile } from "../../src/setup/weights.js";

interface Options {
  /** Times that everything is measured, in turn: A B A B. */
  readonly repetitions: number;
  /** How much work one measurement is; what it counts is the benchmark's own. */
  readonly size: number;
}

/** What a benchmark has that asks no engine. */
export interface PlainSurroundings extends Options {
  /** Aborted by Ctrl-C and SIGTERM, so that nothing is left behind. */
  readonly signal: AbortSignal;
}

export interface Surroundings extends PlainSurroundings {
  readonly weights: WeightsFile;
}

interface About<More extends string = never> {
  readonly name: string;
  readonly defaults: Options & Readonly<Record<More, number>>;
  /** What one unit of --size is. */
  readonly unit: string;
}

/** Reads the options, says what it runs on with engine and weights, and runs the benchmark. */
export function benchmark(
  about: About,
  measure: (surroundings: Surroundings) => Promise<void>,
): Promise<void> {
  return plainBenchmark(about, async (surroundings) => {
    const weights = await ensureWeights({
      signal: surroundings.signal,
      onNotice: (text) => console.error(text),
    });
    const engine = await probeEngine();
    console.log(`- llama.cpp ${engine.release} on ${engine.device}`);
    console.log(`- weights: sha256 ${weights.sha256.slice(0, 12)}`);
    await measure({ ...surroundings, weights });
  });
}

/** Reads the options, says what it runs on, and runs a benchmark that asks no engine. */
export async function plainBenchmark<More extends string = never>(
  about: About<More>,
  measure: (surroundings: PlainSurroundings & Readonly<Record<More, number>>) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
  }
  try {
    const options = optionsFor(about);
    const [load = 0] = loadavg();
    describeMachine(about, options, load);
    await measure({ ...options, signal: stop.signal });
  } catch (error) {
    console.error(messageOf(error));
    if (error instanceof RedistillError) console.error(error.hint);
    process.exitCode = 1;
  }
}

function optionsFor<O extends Options>({
  name,
  defaults,
  unit,
}: {
  name: string;
  defaults: O;
  unit: string;
}): O {
  const names = Object.keys(defaults);
  const options = Object.entries(defaults).map(([option, value]) => `[--${option} ${value}]`);
  const usage = `Usage: npx tsx bench/${name}.ts ${options.join(" ")}   (size: ${unit})`;
  const read = (): Record<string, string | undefined> => {
    try {
      const text = { type: "string" } as const;
      return parseArgs({ options: Object.fromEntries(names.map((option) => [option, text])) })
        .values as Record<string, string>;
    } catch (error) {
      throw new Error(`${messageOf(error)}\n${usage}`);
    }
  };
  const values = read();
  const count = (option: string, preset: number) => {
    const value = Number(values[option] ?? preset);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new Error(`--${option} must be a whole number from 1\n${usage}`);
  };
  return Object.fromEntries(
    Object.entries(defaults).map(([option, preset]) => [option, count(option, preset)]),
  ) as unknown as O;
}

function describeMachine(
  { name, unit }: { name: string; unit: string },
  { repetitions, size }: Options,
  load: number,
): void {
  const [cpu] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  console.log(`# ${name}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log(`- CPU: ${cpu?.model.trim() || "unknown"}, ${availableParallelism()} cores`);
  console.log(`- memory: ${gigabytes} GB; ${process.platform} ${process.arch}`);
  console.log(`- Node ${process.versions.node}`);
  console.log(`- size ${size} (${unit}), ${repetitions} repetitions, interleaved`);
  console.log(`- load average before: ${load.toFixed(2)}`);
  if (load > 0.3) console.log("- **the machine is not idle: these figures are worth nothing**");
}

/** Measures every case once, then every case again, and so on; the results by case. */
export async function interleaved<Case, Result>(
  cases: readonly Case[],
  { repetitions, signal }: PlainSurroundings,
  measure: (item: Case, repetition: number) => Promise<Result>,
): Promise<{ item: Case; results: Result[] }[]> {
  const measured = cases.map((item) => ({ item, results: [] as Result[] }));
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const [position, { item, results }] of measured.entries()) {
      signal.throwIfAborted();
      const what = measured.length > 1 ? `, measurement ${position + 1} of ${measured.length}` : "";
      console.error(`repetition ${repetition} of ${repetitions}${what}`);
      results.push(await measure(item, repetition));
    }
  }
  return measured;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/** "minimum / median / maximum". */
export function spread(values: readonly number[], digits = 1): string {
  const three = [Math.min(...values), median(values), Math.max(...values)];
  return three.map((value) => value.toFixed(digits)).join(" / ");
}

/** "2.31×": how many times larger the median of the first is. */
export function ratio(of: readonly number[], to: readonly number[], digits = 2): string {
  return `${(median(of) / median(to)).toFixed(digits)}×`;
}

/** Prints a Markdown table. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  console.log(`\n${line(head)}\n${line(head.map(() => "---"))}`);
  for (const row of rows) console.log(line(row));
}

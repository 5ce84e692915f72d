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

export interface Surroundings extends Options {
  readonly weights: WeightsFile;
  /** Aborted by Ctrl-C and SIGTERM, so that nothing is left behind. */
  readonly signal: AbortSignal;
}

interface About {
  readonly name: string;
  readonly defaults: Options;
  /** What one unit of --size is. */
  readonly unit: string;
}

/** Reads the options, says what it runs on, and runs the benchmark. */
export async function benchmark(
  about: About,
  measure: (surroundings: Surroundings) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
  }
  try {
    const options = optionsFor(about);
    const [load = 0] = loadavg();
    const weights = await ensureWeights({
      signal: stop.signal,
      onNotice: (text) => console.error(text),
    });
    await describeMachine(about, options, weights, load);
    await measure({ ...options, weights, signal: stop.signal });
  } catch (error) {
    console.error(messageOf(error));
    if (error instanceof RedistillError) console.error(error.hint);
    process.exitCode = 1;
  }
}

function optionsFor({ name, defaults, unit }: About): Options {
  const usage = `Usage: npx tsx bench/${name}.ts [--repetitions ${defaults.repetitions}] [--size ${defaults.size}]   (size: ${unit})`;
  const read = (): Record<string, string | undefined> => {
    try {
      const text = { type: "string" } as const;
      return parseArgs({ options: { repetitions: text, size: text } }).values;
    } catch (error) {
      throw new Error(`${messageOf(error)}\n${usage}`);
    }
  };
  const values = read();
  const count = (option: keyof Options) => {
    const value = Number(values[option] ?? defaults[option]);
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new Error(`--${option} must be a whole number from 1\n${usage}`);
  };
  return { repetitions: count("repetitions"), size: count("size") };
}

async function describeMachine(
  { name, unit }: About,
  { repetitions, size }: Options,
  weights: WeightsFile,
  load: number,
): Promise<void> {
  const engine = await probeEngine();
  const [cpu] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  console.log(`# ${name}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log(`- CPU: ${cpu?.model.trim() || "unknown"}, ${availableParallelism()} cores`);
  console.log(`- memory: ${gigabytes} GB; ${process.platform} ${process.arch}`);
  console.log(`- Node ${process.versions.node}; llama.cpp ${engine.release} on ${engine.device}`);
  console.log(`- weights: sha256 ${weights.sha256.slice(0, 12)}`);
  console.log(`- size ${size} (${unit}), ${repetitions} repetitions, interleaved`);
  console.log(`- load average before: ${load.toFixed(2)}`);
  if (load > 0.3) console.log("- **the machine is not idle: these figures are worth nothing**");
}

/** Measures every case once, then every case again, and so on; the results by case. */
export async function interleaved<Case, Result>(
  cases: readonly Case[],
  { repetitions, signal }: Surroundings,
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

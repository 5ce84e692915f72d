import { formatBytes, formatElapsed } from "./files.js";

type EnvironmentPhase = "waiting" | "creating" | "installing" | "checking";

export interface EnvironmentProgress {
  readonly phase: EnvironmentPhase;
  /** One line to show, for example "installing torch… 1.2 GB, 00:41". */
  readonly message: string;
  /** Bytes on disk so far. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

export interface InstallMeter {
  /** Says what is being done now. */
  doing(phase: EnvironmentPhase, what: string): void;
  /** Takes a line of pip's or uv's output. */
  line(line: string): void;
  stop(): void;
}

/**
 * Reports what an installer is doing about once a second. Neither pip nor uv tells how far a
 * download is when its output is a pipe, so bytes on disk are measured.
 */
export function startMeter(
  measureBytes: () => Promise<number>,
  onProgress: ((progress: EnvironmentProgress) => void) | undefined,
): InstallMeter {
  const started = performance.now();
  const read = createOutputReader();
  let phase: EnvironmentPhase = "creating";
  let what = "a Python environment";
  let bytes = 0;
  let measuring: NodeJS.Timeout | undefined;
  let stopped = false;
  const report = () => {
    const elapsedMs = performance.now() - started;
    const size = bytes > 0 ? `${formatBytes(bytes)}, ` : "";
    const message = `${phase} ${what}… ${size}${formatElapsed(elapsedMs)}`;
    onProgress?.({ phase, message, bytes, elapsedMs });
  };
  const measure = async () => {
    const begun = performance.now();
    // Files vanish and shrink while wheels are unpacked; what is shown only grows.
    bytes = Math.max(bytes, await measureBytes());
    if (stopped) return;
    // Counting the files of a large environment must not slow its installation down.
    const pause = Math.min(Math.max(1_000, (performance.now() - begun) * 5), 8_000);
    measuring = setTimeout(measure, pause);
  };
  const ticking = onProgress === undefined ? undefined : setInterval(report, 1_000);
  if (onProgress !== undefined) measuring = setTimeout(measure, 500);
  return {
    doing(nextPhase, nextWhat) {
      phase = nextPhase;
      what = nextWhat;
      report();
    },
    line(line) {
      what = read(line) ?? what;
    },
    stop() {
      stopped = true;
      clearTimeout(measuring);
      clearInterval(ticking);
    },
  };
}

const several = "the downloaded packages";

/**
 * Follows pip's or uv's output and names the package at work: for pip the one it names, for uv,
 * which fetches many at once, the largest that is not here yet.
 */
export function createOutputReader(): (line: string) => string | null {
  const missing = new Map<string, number>();
  const largest = () => {
    const names = [...missing].sort(([, a], [, b]) => b - a);
    return names[0]?.[0] ?? "Python packages";
  };
  return (line) => {
    const fetching = /^\s*Downloading (\S+) \(([\d.]+)([KMG])iB\)/.exec(line);
    if (fetching !== null) {
      const [, name, size, unit] = fetching as unknown as [string, string, string, "K" | "M" | "G"];
      missing.set(name, Number(size) * { K: 1, M: 1024, G: 1024 * 1024 }[unit]);
      return largest();
    }
    const fetched = /^\s*Downloaded (\S+)/.exec(line);
    if (fetched !== null) {
      missing.delete(fetched[1]!);
      return largest();
    }
    if (/^\s*Prepared \d+ packages/.test(line)) return several;
    const collecting = /^Collecting ([A-Za-z0-9._-]+)/.exec(line);
    if (collecting !== null) return collecting[1]!;
    const installing = /^Installing collected packages: (.+)$/.exec(line)?.[1]?.trim();
    if (installing === undefined) return null;
    return installing.includes(",") ? several : installing;
  };
}

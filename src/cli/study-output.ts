import { describeProgress, isLive } from "./describe.js";
import type { Output } from "./output.js";

/**
 * A study's output for one of its runs: what it is at, and not its report.
 *
 * @param label Whose it is, where several are worked on side by side; else null.
 */
export function outputOf(output: Output, label: string | null): Output {
  const quiet: Output = { ...output, line: () => {}, result: () => {} };
  if (label === null) return quiet;
  return {
    ...quiet,
    note: (text) => output.note(`${label}: ${text}`),
    live: (text) => output.live(`${label}: ${text}`),
    progress: (progress) => {
      if (output.json) {
        const labelled = { ...progress, of: label };
        output.progress(labelled);
        return;
      }
      const text = describeProgress(progress);
      if (text === null) return;
      const line = `${label}: ${text.trimStart()}`;
      if (isLive(progress)) output.live(line);
      else output.line(line);
    },
  };
}

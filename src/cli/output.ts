import { createLogUpdate } from "log-update";
import type { Progress } from "../controller/progress.js";
import { escapedJson } from "../core/invisible.js";
import { redact } from "../core/secrets.js";
import { describeProgress, isLive } from "./describe.js";
import { presentable } from "./printable.js";
import { spelled } from "./spelling.js";

/** Where a command says what it does: people on a terminal, a log file, or a machine. */
export interface Output {
  /** A line that stays. */
  line(text: string): void;
  /** A line that stays, for things worth knowing that are no result; stderr. */
  note(text: string): void;
  /** A line that the next one replaces; off a terminal, one now and then. */
  live(text: string): void;
  progress(progress: Progress): void;
  /** The result of a command with --json: one object. */
  result(value: unknown): void;
  readonly json: boolean;
  /** Takes the live line away. */
  close(): void;
}

/** Off a terminal a live line is written at most this often, in milliseconds. */
const plainEvery = 15_000;

/** Plain or live lines on stdout, or one JSON object a line with `json`. */
export function createOutput(json: boolean, stream = process.stdout): Output {
  const live = stream.isTTY && !json ? createLogUpdate(stream) : null;
  let lastPlain = Number.NEGATIVE_INFINITY;
  const write = (text: string) => {
    live?.clear();
    stream.write(`${presentable(spelled(text))}\n`);
  };
  const output: Output = {
    json,
    line: (text) => {
      if (!json) write(text);
    },
    note: (text) => {
      live?.clear();
      process.stderr.write(`${presentable(spelled(text))}\n`);
    },
    live: (text) => {
      if (json) return;
      if (live) {
        live(presentable(text));
      } else if (performance.now() - lastPlain > plainEvery) {
        lastPlain = performance.now();
        write(text);
      }
    },
    progress: (progress) => {
      if (json) {
        stream.write(`${redact(escapedJson(progress))}\n`);
        return;
      }
      const text = describeProgress(progress);
      if (text === null) return;
      if (isLive(progress)) output.live(text);
      else output.line(text);
    },
    result: (value) => {
      if (json) stream.write(`${redact(escapedJson(value))}\n`);
    },
    close: () => live?.clear(),
  };
  return output;
}

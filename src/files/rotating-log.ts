import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../core/errors.js";

export interface RotatingLogOptions {
  readonly path: string;
  /** Size, in bytes, from which a file is set aside as `<path>.1`, the one before as `<path>.2`, … */
  readonly limit: number;
  /** Files kept in all. */
  readonly files: number;
  /** Told once when the log cannot be written, as on a full disk; whoever writes it goes on. */
  onFailure(reason: string): void;
}

/** A log of lines, each whole or (after a full disk or a kill) broken off and followed by a new one. */
export class RotatingLog {
  private file: number | null = null;
  private size = 0;
  /** The last line has no end yet. */
  private torn = false;
  private failed = false;

  constructor(private readonly options: RotatingLogOptions) {}

  /** Appends a line. Never throws: a log is no reason to stop. */
  write(line: string): void {
    try {
      this.file ??= this.open();
      if (this.size >= this.options.limit) this.rotate();
      this.append(`${this.torn ? "\n" : ""}${line}\n`);
    } catch (error) {
      if (!this.failed) this.options.onFailure(`${this.options.path}: ${messageOf(error)}`);
      this.failed = true;
    }
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  private open(): number {
    const { path } = this.options;
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, "a+");
    this.size = fstatSync(file).size;
    const last = Buffer.alloc(1);
    this.torn = this.size > 0 && readSync(file, last, 0, 1, this.size - 1) === 1 && last[0] !== 10;
    return file;
  }

  private append(text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    this.torn = true;
    while (written < bytes.length) {
      const count = writeSync(this.file as number, bytes, written);
      written += count;
      this.size += count;
    }
    this.torn = false;
  }

  private rotate(): void {
    const { path, files } = this.options;
    const name = (number: number) => (number === 0 ? path : `${path}.${number}`);
    this.close();
    for (let number = files - 1; number > 0; number--) {
      const older = name(number - 1);
      if (statSync(older, { throwIfNoEntry: false })) renameSync(older, name(number));
    }
    this.file = this.open();
  }
}

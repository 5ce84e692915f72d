import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

const chunk = 64 * 1024;

/** Reads the lines of a rotating log, those set aside first, and again what was added since. */
export class LineReader {
  private file: number | null = null;
  private inode = 0;
  private offset = 0;
  private rest: Buffer = Buffer.alloc(0);

  /** @param files How many files the log keeps in all. */
  constructor(
    private readonly path: string,
    private readonly files: number,
  ) {}

  /** The lines that are whole and were not given before. */
  read(): string[] {
    const lines: string[] = [];
    if (this.file === null) {
      for (let number = this.files - 1; number > 0; number--) {
        if (!this.open(`${this.path}.${number}`)) continue;
        lines.push(...this.drain());
        this.close();
      }
      if (!this.open(this.path)) return lines;
    }
    lines.push(...this.drain());
    // Set aside meanwhile: what was added to it is read, then the one in its place.
    while (this.replaced()) {
      lines.push(...this.drain());
      this.close();
      if (!this.open(this.path)) return lines;
      lines.push(...this.drain());
    }
    return lines;
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  private open(path: string): boolean {
    try {
      this.file = openSync(path, "r");
    } catch {
      return false;
    }
    this.inode = fstatSync(this.file).ino;
    this.offset = 0;
    this.rest = Buffer.alloc(0);
    return true;
  }

  private replaced(): boolean {
    const now = statSync(this.path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== this.inode;
  }

  private drain(): string[] {
    const lines: string[] = [];
    const buffer = Buffer.alloc(chunk);
    for (;;) {
      const count = readSync(this.file as number, buffer, 0, chunk, this.offset);
      if (count === 0) return lines;
      this.offset += count;
      this.rest = Buffer.concat([this.rest, buffer.subarray(0, count)]);
      for (let end = this.rest.indexOf(10); end >= 0; end = this.rest.indexOf(10)) {
        const line = this.rest.subarray(0, end).toString();
        if (line !== "") lines.push(line);
        this.rest = this.rest.subarray(end + 1);
      }
    }
  }
}

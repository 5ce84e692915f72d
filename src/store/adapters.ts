import type { AdapterRow } from "../core/round.js";
import type { Connection } from "./database.js";

const columns = `sha256, model_digest AS modelDigest, parent, weights, gguf_path AS ggufPath,
  peft_path AS peftPath, memory_path AS memoryPath, memory, round, final_loss AS finalLoss, tokens,
  seconds`;

/** Candidates: trained weights, memories, or both. */
export class AdapterTable {
  constructor(private readonly db: Connection) {}

  /** The same weights or memory again are the same adapter; the first row stays. */
  insert(adapter: AdapterRow): void {
    this.db
      .prepare(
        `INSERT INTO adapters VALUES (@sha256, @modelDigest, @parent, @ggufPath, @peftPath, @round,
           @finalLoss, @tokens, @seconds, @createdAt, @weights, @memoryPath, @memory)
           ON CONFLICT (sha256) DO NOTHING`,
      )
      .run({ ...adapter, createdAt: new Date().toISOString() });
  }

  find(sha256: string): AdapterRow | null {
    return (
      this.db
        .prepare<[string], AdapterRow>(`SELECT ${columns} FROM adapters WHERE sha256 = ?`)
        .get(sha256) ?? null
    );
  }

  /** Adapters whose sha256 begins with `prefix`, as people type it. */
  byPrefix(prefix: string): AdapterRow[] {
    return this.db
      .prepare<[string, string], AdapterRow>(
        `SELECT ${columns} FROM adapters WHERE substr(sha256, 1, length(?)) = ?`,
      )
      .all(prefix, prefix);
  }
}

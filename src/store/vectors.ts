import { sha256 } from "../core/hash.js";
import { bytesOf, vectorOf } from "../core/vectors.js";
import type { Connection } from "./database.js";

/** Vectors of texts, by the digest of whatever made them. What writes belongs inside a transaction. */
export class VectorTable {
  constructor(private readonly db: Connection) {}

  /** Those of some texts that are there, by text. */
  find(model: string, texts: readonly string[]): Map<string, Float32Array> {
    const find = this.db
      .prepare<[string, string], Buffer>(
        "SELECT vector FROM vectors WHERE model = ? AND text_sha256 = ?",
      )
      .pluck();
    return new Map(
      texts.flatMap((text) => {
        const bytes = find.get(model, sha256(text));
        return bytes === undefined ? [] : [[text, vectorOf(bytes)]];
      }),
    );
  }

  /** One that is there already stays: another run may have been faster. */
  insertAll(model: string, vectors: ReadonlyMap<string, Float32Array>): void {
    const insert = this.db.prepare("INSERT INTO vectors VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    for (const [text, vector] of vectors) insert.run(model, sha256(text), bytesOf(vector));
  }
}

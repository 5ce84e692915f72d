import { canonicalJson } from "../core/hash.js";
import type { Connection } from "./database.js";

/** Calls that no run can find: who paid for them is gone, and nothing refers to them. */
const orphaned = `paid_by_run NOT IN (SELECT id FROM runs)
  AND model_digest NOT IN (SELECT model_digest FROM runs WHERE state <> 'finished')
  AND key NOT IN (SELECT call_key FROM call_uses)
  AND key NOT IN (SELECT call_key FROM attempts)
  AND key NOT IN (SELECT call_key FROM critiques)
  AND key NOT IN (SELECT call_key FROM revisions)
  AND key NOT IN (SELECT call_key FROM examined WHERE call_key IS NOT NULL)
  AND key NOT IN (SELECT call_key FROM mended)
  AND key NOT IN (SELECT named_by FROM clusters WHERE named_by IS NOT NULL)
  AND key NOT IN (SELECT forward_key FROM preferences)
  AND key NOT IN (SELECT backward_key FROM preferences)
  AND key NOT IN (SELECT call_key FROM evaluations)
  AND key NOT IN (SELECT call_key FROM sampled_evaluations)
  AND key NOT IN (SELECT call_key FROM validations)
  AND key NOT IN (SELECT call_key FROM distilled)
  AND key NOT IN (SELECT call_key FROM evolution_drafts)
  AND key NOT IN (SELECT call_key FROM evolution_proposals WHERE call_key IS NOT NULL)
  AND key NOT IN (SELECT critique_key FROM evolution_trials)
  AND key NOT IN (SELECT revision_key FROM evolution_trials)`;

/** Where an adapter's files are, relative to the workspace; null for a part that it does not have. */
export interface AdapterPaths {
  readonly sha256: string;
  readonly ggufPath: string | null;
  readonly peftPath: string | null;
  readonly memoryPath: string | null;
}

export interface RejectedAdapter extends AdapterPaths {
  /** When the last round that had it as candidate ended. */
  readonly decidedAt: string;
}

/** What `gc` asks and writes. */
export class HousekeepingTables {
  private runsThen = "";

  constructor(private readonly db: Connection) {}

  /** Hashes of the weights of runs that have not finished: what was trained for these may be needed. */
  unfinishedModels(): string[] {
    return this.db
      .prepare<[], string>("SELECT DISTINCT model_sha256 FROM runs WHERE state <> 'finished'")
      .pluck()
      .all() as string[];
  }

  /**
   * Candidates that every gate rejected, the last one before `before` (ISO time), whose files are
   * still there; none that is or was an incumbent or a parent, and none of an unfinished run's model.
   */
  rejected(before: string): RejectedAdapter[] {
    return this.db
      .prepare<[string], RejectedAdapter>(
        `SELECT a.sha256, a.gguf_path AS ggufPath, a.peft_path AS peftPath, a.memory_path AS memoryPath,
                max(r.finished_at) AS decidedAt
           FROM adapters a
           JOIN rounds r ON r.candidate = a.sha256
           LEFT JOIN decisions d ON d.run_id = r.run_id AND d.round = r.number
          WHERE a.sha256 NOT IN (SELECT incumbent FROM runs WHERE incumbent IS NOT NULL)
            AND a.sha256 NOT IN (SELECT incumbent FROM rounds WHERE incumbent IS NOT NULL)
            AND a.sha256 NOT IN (SELECT parent FROM adapters WHERE parent IS NOT NULL)
            AND a.model_digest NOT IN (SELECT model_digest FROM runs WHERE state <> 'finished')
          GROUP BY a.sha256
         HAVING min(ifnull(d.outcome, '') = 'rejected') = 1 AND max(r.finished_at) < ?
          ORDER BY decidedAt`,
      )
      .all(before);
  }

  /** Paths of all adapters' files, relative to the workspace. */
  adapterPaths(): AdapterPaths[] {
    return this.db
      .prepare<[], AdapterPaths>(
        `SELECT sha256, gguf_path AS ggufPath, peft_path AS peftPath, memory_path AS memoryPath
           FROM adapters`,
      )
      .all();
  }

  /** Writes down that an adapter's files are gone on purpose. */
  markCollected(sha256: string, at: string): void {
    this.db
      .prepare("INSERT INTO collected_adapters VALUES (?, ?) ON CONFLICT DO NOTHING")
      .run(sha256, at);
  }

  /** The adapters whose files were collected. */
  collected(): Set<string> {
    return new Set(
      this.db
        .prepare<[], string>("SELECT sha256 FROM collected_adapters")
        .pluck()
        .all() as string[],
    );
  }

  orphanedCalls(): { count: number; bytes: number } {
    return this.db
      .prepare<[], { count: number; bytes: number }>(
        `SELECT count(*) AS count, ifnull(sum(length(messages) + length(sampling) + length(text)), 0) AS bytes
           FROM calls WHERE ${orphaned}`,
      )
      .get()!;
  }

  /** Which they are; remembers the runs that there were, for deleteOrphans. */
  orphanedKeys(): string[] {
    this.runsThen = this.runsNow();
    return this.db
      .prepare<[], string>(`SELECT key FROM calls WHERE ${orphaned}`)
      .pluck()
      .all() as string[];
  }

  /** Deletes calls that orphanedKeys gave, in one transaction; false if a run began since then. */
  deleteOrphans(keys: readonly string[]): boolean {
    // Each deletion would otherwise look through all rows that refer to calls; none refers to these.
    this.db.pragma("foreign_keys = OFF");
    try {
      return this.db
        .transaction(() => {
          if (this.runsNow() !== this.runsThen) return false;
          const remove = this.db.prepare("DELETE FROM calls WHERE key = ?");
          for (const key of keys) remove.run(key);
          return true;
        })
        .immediate();
    } finally {
      this.db.pragma("foreign_keys = ON");
    }
  }

  private runsNow(): string {
    return canonicalJson(this.db.prepare("SELECT id, state = 'finished' FROM runs").all());
  }
}

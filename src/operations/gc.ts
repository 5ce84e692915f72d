import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { failpoint } from "../core/failpoint.js";
import { isOurs, type References, readReferences } from "../store/snapshot.js";
import { Store } from "../store/store.js";
import type { Garbage } from "./garbage.js";
import { adapterGarbage } from "./garbage-adapters.js";
import { cacheGarbage } from "./garbage-caches.js";
import { leftovers } from "./garbage-leftovers.js";
import {
  type OperationOptions,
  operateAlone,
  refuseHalfRestored,
  type WorkspacePaths,
} from "./workspace.js";

export interface GcOptions extends OperationOptions {
  /** Take it away; otherwise only say what would go. */
  readonly yes: boolean;
  /** Also rejected candidates older than so many days; null leaves them all. */
  readonly rejectedDays: number | null;
  readonly cache: string;
  /** The trainer's folder, which says which packages it needs. */
  readonly trainer: string;
  readonly now: Date;
}

export interface GcItem extends Pick<Garbage, "kind" | "what" | "why" | "bytes"> {
  /** `held`: it was needed again or in use when its turn came. */
  readonly fate: "would go" | "gone" | "held";
}

export interface GcResult {
  readonly items: readonly GcItem[];
  /** On the disk. */
  readonly bytes: number;
  /** Inside the database, which uses the room for new rows and does not shrink. */
  readonly databaseBytes: number;
}

/** Calls deleted in one transaction: a controller beside it waits for no more than that. */
const callsAtOnce = 2_000;

/**
 * Finds what nothing refers to any more, and takes it away if told so. What an unfinished run could
 * need stays, so that a controller may run beside it.
 *
 * @throws RedistillError `storage` when a database cannot be read: then nobody knows what is needed.
 */
export async function collectGarbage(paths: WorkspacePaths, options: GcOptions): Promise<GcResult> {
  refuseHalfRestored(paths.root);
  return operateAlone(paths, options.signal, async () => {
    const store = options.yes
      ? Store.open(paths.database, options.migrations)
      : Store.openReadOnly(paths.database, options.migrations);
    try {
      const garbage = [
        ...(await adapterGarbage({ ...options, paths, store, others: await others(paths) })),
        ...(await leftovers(paths, options.now)),
        ...orphanedCalls(store, options.signal),
        ...(await cacheGarbage(options.cache, options.trainer, options.now)),
      ];
      const items: GcItem[] = [];
      for (const { kind, what, why, bytes, take } of garbage) {
        options.signal.throwIfAborted();
        if (options.yes) options.onProgress(`taking away ${what}`);
        const fate = options.yes ? ((await take()) ? "gone" : "held") : "would go";
        failpoint("gc:item");
        items.push({ kind, what, why, bytes, fate });
      }
      const sum = (among: readonly GcItem[]) =>
        among.reduce((total, { bytes }) => total + bytes, 0);
      const going = items.filter(({ fate }) => fate !== "held");
      return {
        items,
        bytes: sum(going.filter(({ kind }) => kind !== "calls")),
        databaseBytes: sum(going.filter(({ kind }) => kind === "calls")),
      };
    } finally {
      store.close();
    }
  });
}

function orphanedCalls(store: Store, signal: AbortSignal): Garbage[] {
  const { count, bytes } = store.housekeeping.orphanedCalls();
  if (count === 0) return [];
  return [
    {
      kind: "calls",
      what: `${count} answers in the database`,
      why: "paid for by runs that are no longer there, and used by none that is",
      bytes,
      take: async () => {
        let left = store.housekeeping.orphanedKeys();
        while (left.length > 0) {
          signal.throwIfAborted();
          const done = store.housekeeping.deleteOrphans(left.slice(0, callsAtOnce));
          // A run that began meanwhile may find some of them: ask again which nobody needs.
          left = done ? left.slice(callsAtOnce) : store.housekeeping.orphanedKeys();
          // Let a controller have its turn between two of them.
          await new Promise((turn) => setTimeout(turn, 1));
        }
        return true;
      },
    },
  ];
}

/** What the other databases of this workspace speak of; `--database` may name any file. */
async function others({ root, database }: WorkspacePaths): Promise<References[]> {
  const found: References[] = [];
  const folders = new Set([root, join(root, "memory"), dirname(database)]);
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      if (!name.endsWith(".db") || resolve(path) === resolve(database)) continue;
      if ((await stat(path)).isFile() && isOurs(path)) found.push(readReferences(path));
    }
  }
  return found;
}

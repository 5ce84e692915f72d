import { AdapterTable } from "./adapters.js";
import { CallTable } from "./calls.js";
import { type Connection, guarded, openDatabase, openDatabaseReadOnly } from "./database.js";
import { EventTable } from "./events.js";
import { RequestTable } from "./requests.js";
import { RoundTables } from "./rounds.js";
import { RunTable } from "./runs.js";
import { TaskTable } from "./tasks.js";

/**
 * Everything that persists, by table group. Each function is one transaction.
 *
 * @example
 * const store = Store.open("memory/redistill.db", migrationsDirectory);
 * const run = store.runs.latest();
 */
export class Store {
  readonly runs: RunTable;
  readonly tasks: TaskTable;
  readonly calls: CallTable;
  readonly rounds: RoundTables;
  readonly adapters: AdapterTable;
  readonly events: EventTable;
  readonly requests: RequestTable;

  private constructor(
    private readonly db: Connection,
    readonly path: string,
  ) {
    this.runs = new RunTable(db);
    this.tasks = new TaskTable(db);
    this.calls = new CallTable(db);
    this.adapters = new AdapterTable(db);
    this.rounds = new RoundTables(db, this.adapters);
    this.events = new EventTable(db);
    this.requests = new RequestTable(db);
  }

  static open(path: string, migrationsDirectory: string): Store {
    return new Store(openDatabase(path, migrationsDirectory), path);
  }

  static openReadOnly(path: string, migrationsDirectory: string): Store {
    return new Store(openDatabaseReadOnly(path, migrationsDirectory), path);
  }

  /** Several writes as one: all of them happen or none. */
  transaction<T>(work: () => T): T {
    return guarded(this.path, () => this.db.transaction(work).immediate());
  }

  /** Problems that SQLite finds in its own file; empty when all is well. */
  integrityProblems(): string[] {
    const rows = this.db.pragma("integrity_check") as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((text) => text !== "ok");
  }

  close(): void {
    this.db.close();
  }
}

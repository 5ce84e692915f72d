import { AdapterTable } from "./adapters.js";
import { AuditTables } from "./audit.js";
import { CallTable } from "./calls.js";
import { ClusterTables } from "./clusters.js";
import {
  type Connection,
  explained,
  guarded,
  openDatabase,
  openDatabaseReadOnly,
} from "./database.js";
import { EventTable } from "./events.js";
import { EvolutionTables } from "./evolutions.js";
import { FigureTables } from "./figures.js";
import { HousekeepingTables } from "./housekeeping.js";
import { LeaseTable } from "./leases.js";
import { LongTermTables } from "./long-term.js";
import { ObservedTables } from "./observed.js";
import { OutboxTable } from "./outbox.js";
import { PlanTable } from "./plans.js";
import { ReadingTable } from "./readings.js";
import { RequestTable } from "./requests.js";
import { RoundTables } from "./rounds.js";
import { RunTable } from "./runs.js";
import { SpendTable } from "./spend.js";
import { StudyTables } from "./studies.js";
import { SuspectTables } from "./suspects.js";
import { TaskTable } from "./tasks.js";
import { TrainingFaultTable } from "./training-faults.js";
import { VectorTable } from "./vectors.js";

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
  readonly clusters: ClusterTables;
  readonly rounds: RoundTables;
  readonly adapters: AdapterTable;
  readonly events: EventTable;
  readonly evolutions: EvolutionTables;
  readonly outbox: OutboxTable;
  readonly plans: PlanTable;
  readonly observed: ObservedTables;
  readonly spend: SpendTable;
  readonly readings: ReadingTable;
  readonly housekeeping: HousekeepingTables;
  readonly audit: AuditTables;
  readonly figures: FigureTables;
  readonly leases: LeaseTable;
  readonly longTerm: LongTermTables;
  readonly studies: StudyTables;
  readonly suspects: SuspectTables;
  readonly trainingFaults: TrainingFaultTable;
  readonly requests: RequestTable;
  readonly vectors: VectorTable;

  private constructor(
    private readonly db: Connection,
    readonly path: string,
    private readonly fence: (() => void) | null = null,
  ) {
    this.runs = new RunTable(db);
    this.tasks = new TaskTable(db);
    this.calls = new CallTable(db);
    this.adapters = new AdapterTable(db);
    this.clusters = new ClusterTables(db);
    this.rounds = new RoundTables(db, this.adapters, this.clusters);
    this.events = new EventTable(db);
    this.evolutions = new EvolutionTables(db);
    this.outbox = new OutboxTable(db);
    this.plans = new PlanTable(db);
    this.observed = new ObservedTables(db);
    this.spend = new SpendTable(db);
    this.readings = new ReadingTable(db);
    this.housekeeping = new HousekeepingTables(db);
    this.audit = new AuditTables(db);
    this.figures = new FigureTables(db);
    this.leases = new LeaseTable(db);
    this.longTerm = new LongTermTables(db);
    this.studies = new StudyTables(db);
    this.suspects = new SuspectTables(db);
    this.trainingFaults = new TrainingFaultTable(db);
    this.requests = new RequestTable(db);
    this.vectors = new VectorTable(db);
  }

  static open(path: string, migrationsDirectory: string): Store {
    return new Store(openDatabase(path, migrationsDirectory), path);
  }

  static openReadOnly(path: string, migrationsDirectory: string): Store {
    return new Store(openDatabaseReadOnly(path, migrationsDirectory), path);
  }

  /**
   * The same database for the holder of a run's lease: every transaction first checks that the
   * epoch is still the holder's, and throws LeaseLostError if it is not.
   */
  fenced(runId: string, epoch: number): Store {
    return new Store(this.db, this.path, () => this.leases.require(runId, epoch));
  }

  /** Several writes as one: all of them happen or none. */
  transaction<T>(work: () => T): T {
    const checked = () => {
      this.fence?.();
      return work();
    };
    return guarded(this.path, () => this.db.transaction(checked).immediate());
  }

  /** What reading threw, as a sentence with a way out where SQLite's code is known. */
  explained(error: unknown): unknown {
    return explained(this.path, error);
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

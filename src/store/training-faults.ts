import type { TrainingFault } from "../core/errors.js";
import type { Connection } from "./database.js";

export interface TrainingFaultRow {
  readonly fault: TrainingFault;
  readonly message: string;
}

/** Why trainings of a round failed: a resumed run goes on with the settings that come next. */
export class TrainingFaultTable {
  constructor(private readonly db: Connection) {}

  append(runId: string, round: number, { fault, message }: TrainingFaultRow): void {
    this.db
      .prepare(
        `INSERT INTO training_faults (run_id, round, attempt, fault, message)
           SELECT @runId, @round, count(*) + 1, @fault, @message FROM training_faults
            WHERE run_id = @runId AND round = @round`,
      )
      .run({ runId, round, fault, message });
  }

  of(runId: string, round: number): TrainingFaultRow[] {
    return this.db
      .prepare<unknown[], TrainingFaultRow>(
        "SELECT fault, message FROM training_faults WHERE run_id = ? AND round = ? ORDER BY attempt",
      )
      .all(runId, round);
  }
}

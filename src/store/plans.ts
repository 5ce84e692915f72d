import { canonicalJson } from "../core/hash.js";
import type { Observation, Plan } from "../core/policy.js";
import type { Connection } from "./database.js";

type PlanColumns = Omit<Plan, "settings" | "tasks" | "decisions"> & {
  settings: string;
  tasks: string | null;
  decisions: string;
};

const columns = "round, author, settings, tasks, decisions, stop, fallback";

/** What policies decided, round by round, with all that they saw. */
export class PlanTable {
  constructor(private readonly db: Connection) {}

  /** What is seen before a round is planned, while a coach is asked. Call inside a transaction. */
  observe(runId: string, round: number, observation: Observation): void {
    this.db
      .prepare("INSERT INTO observations VALUES (?, ?, ?)")
      .run(runId, round, canonicalJson(observation));
  }

  /** What was seen before a round that has no plan yet; null where nobody looked. */
  observed(runId: string, round: number): Observation | null {
    const text = this.db
      .prepare<unknown[], string>(
        "SELECT observation FROM observations WHERE run_id = ? AND round = ?",
      )
      .pluck()
      .get(runId, round) as string | undefined;
    return text === undefined ? null : JSON.parse(text);
  }

  /** Call inside a transaction; a round has one plan, which takes over what was seen. */
  insert(runId: string, plan: Plan, observation: Observation): void {
    this.db
      .prepare(
        `INSERT INTO plans VALUES (@runId, @round, @author, @settings, @tasks, @decisions, @stop,
           @fallback, @observation)`,
      )
      .run({
        runId,
        ...plan,
        settings: canonicalJson(plan.settings),
        tasks: plan.tasks === null ? null : canonicalJson(plan.tasks),
        decisions: canonicalJson(plan.decisions),
        observation: canonicalJson(observation),
      });
    this.db
      .prepare("DELETE FROM observations WHERE run_id = ? AND round = ?")
      .run(runId, plan.round);
  }

  /** The plan of a round; null where its policy is fixed, or nothing is planned yet. */
  find(runId: string, round: number): Plan | null {
    const row = this.db
      .prepare<unknown[], PlanColumns>(
        `SELECT ${columns} FROM plans WHERE run_id = ? AND round = ?`,
      )
      .get(runId, round);
    return row === undefined ? null : parse(row);
  }

  /** All of a run, oldest first. */
  of(runId: string): Plan[] {
    return this.db
      .prepare<[string], PlanColumns>(
        `SELECT ${columns} FROM plans WHERE run_id = ? ORDER BY round`,
      )
      .all(runId)
      .map(parse);
  }

  /** What was seen when a round was planned; null without a plan. */
  observation(runId: string, round: number): Observation | null {
    const text = this.db
      .prepare<unknown[], string>("SELECT observation FROM plans WHERE run_id = ? AND round = ?")
      .pluck()
      .get(runId, round) as string | undefined;
    return text === undefined ? null : JSON.parse(text);
  }
}

function parse({ settings, tasks, decisions, ...rest }: PlanColumns): Plan {
  return {
    ...rest,
    settings: JSON.parse(settings),
    tasks: tasks === null ? null : JSON.parse(tasks),
    decisions: JSON.parse(decisions),
  };
}

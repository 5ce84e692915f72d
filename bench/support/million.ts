import Database from "better-sqlite3";
import { migrationsDirectory } from "../../src/cli/paths.js";
import { canonicalJson, sha256, stableId } from "../../src/core/hash.js";
import { callKey } from "../../src/store/calls.js";
import { Store } from "../../src/store/store.js";
import { createRun, solve, sums, syntheticRecipe } from "./synthetic-run.js";

const attemptsPerTask = 8;
const tasksPerRound = 500;
const gateTasks = 200;
const modelDigest = sha256("generated");

/**
 * A database as a finished run leaves it that made so many attempts: 500 tasks with 8 attempts in a
 * round, each with its call and its verdict, an example for each task, and a gate of 200 tasks.
 */
export function generateDatabase(path: string, attempts: number): string {
  const rounds = Math.max(1, Math.round(attempts / (attemptsPerTask * tasksPerRound)));
  const train = sums("train", 4 * tasksPerRound);
  const gate = sums("gate", gateTasks);
  const store = Store.open(path, migrationsDirectory);
  const recipe = {
    ...syntheticRecipe({
      tasks: { train: train.length, gate: gateTasks },
      elicit: { tasksPerRound },
    }),
    rounds,
  };
  const runId = createRun(store, recipe, [...gate, ...train], modelDigest);
  store.close();
  const db = new Database(path);
  db.pragma("synchronous = OFF");
  const insert = (table: string, values: number) =>
    db.prepare(`INSERT INTO ${table} VALUES (${Array(values).fill("?").join(", ")})`);
  const [calls, attemptRows, verdicts] = [
    insert("calls", 15),
    insert("attempts", 7),
    insert("verdicts", 6),
  ];
  const [elicited, examples, evaluations] = [
    insert("elicited", 4),
    insert("examples", 10),
    insert("evaluations", 11),
  ];
  const at = "2026-01-01T00:00:00.000Z";
  const ask = (prompt: string, seed: number, round: number, stage: string, text: string) => {
    const messages = [
      { role: "system" as const, content: "Answer with the number alone." },
      { role: "user" as const, content: prompt },
    ];
    const sampling = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0, maxTokens: 64, seed };
    const adapter = stage === "evaluate" ? sha256(round) : null;
    const key = callKey({ messages, sampling }, modelDigest, adapter);
    calls.run(
      ...[key, modelDigest, adapter, canonicalJson(messages), canonicalJson(sampling), text, "end"],
      ...[30, 30, 4, 12.5, runId, round, stage, at],
    );
    return key;
  };
  const oneRound = (round: number) => {
    const candidate = sha256(round);
    insert("rounds", 6).run(runId, round, null, null, at, at);
    for (let i = 0; i < tasksPerRound; i++) {
      const task = train[(round * 131 + i) % train.length]!;
      const right = solve(task.prompt);
      elicited.run(runId, round, task.id, i);
      for (let index = 0; index < attemptsPerTask; index++) {
        const ok = (i + index) % 3 === 0;
        const answer = ok ? right : `${right}1`;
        const key = ask(
          task.prompt,
          round * 10_000_000 + i * 100 + index,
          round,
          "generate",
          answer,
        );
        const id = stableId("attempt", round, task.id, index);
        attemptRows.run(runId, round, id, task.id, index, key, answer);
        verdicts.run(
          runId,
          id,
          ok ? "ok" : "wrong",
          ok ? 1 : 0,
          "exact",
          ok ? "The answer is right." : "Another number is expected.",
        );
        if (!ok || index > 2) continue;
        const messages = canonicalJson([{ role: "user", content: task.prompt }]);
        const example = stableId("example", "attempt", id);
        examples.run(runId, round, i, example, task.id, "attempt", id, round, messages, right);
      }
    }
    db.prepare("INSERT INTO adapters VALUES (?, ?, NULL, ?, ?, ?, 0.5, 1000, 10, ?)").run(
      ...[
        candidate,
        modelDigest,
        `memory/adapters/${round}/a.gguf`,
        `memory/adapters/${round}/peft`,
        round,
        at,
      ],
    );
    db.prepare("UPDATE rounds SET candidate = ? WHERE run_id = ? AND number = ?").run(
      candidate,
      runId,
      round,
    );
    for (const [position, task] of gate.entries()) {
      const answer = solve(task.prompt);
      const key = ask(task.prompt, round, round, "evaluate", answer);
      for (const adapter of round === 1 ? [candidate, ""] : [candidate]) {
        evaluations.run(
          runId,
          "gate",
          adapter,
          task.id,
          position,
          key,
          answer,
          "ok",
          1,
          "exact",
          "The answer is right.",
        );
      }
    }
    insert("decisions", 5).run(
      ...[runId, round, "rejected", "not shown to be better"],
      canonicalJson({ alpha: 0.05 / rounds, gate: null, retention: null }),
    );
    for (const stage of ["elicit", "generate", "curate", "retrain", "evaluate", "gate"]) {
      insert("stages", 6).run(runId, round, stage, "{}", 12.5, at);
    }
  };
  for (let round = 1; round <= rounds; round++) {
    db.transaction(oneRound)(round);
    if (round % 25 === 0) console.error(`generated ${round} of ${rounds} rounds`);
  }
  db.prepare("UPDATE runs SET state = 'finished', finished_at = ?").run(at);
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  return runId;
}

-- Further answers to a task of a suite, sampled; the first one, greedy, is in evaluations.
CREATE TABLE sampled_evaluations (
  run_id   TEXT NOT NULL,
  suite    TEXT NOT NULL,
  adapter  TEXT NOT NULL,
  task_id  TEXT NOT NULL,
  attempt  INTEGER NOT NULL CHECK (attempt >= 1),
  call_key TEXT NOT NULL REFERENCES calls (key),
  answer   TEXT NOT NULL,
  outcome  TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  score    REAL,
  verifier TEXT NOT NULL,
  finding  TEXT NOT NULL,
  PRIMARY KEY (run_id, suite, adapter, task_id, attempt),
  FOREIGN KEY (run_id, suite, adapter, task_id)
    REFERENCES evaluations (run_id, suite, adapter, task_id),
  CHECK ((outcome = 'ungradable') = (score IS NULL))
) STRICT;

-- What is known of requests and trainings that ended their process.

-- A run whose process asks the model right now. A row that is found by another process was left by a
-- dead one: `deaths` says how many died at this place in a row.
CREATE TABLE asking (
  run_id TEXT PRIMARY KEY REFERENCES runs (id),
  place  TEXT NOT NULL,                    -- round, stage, adapter, first request
  deaths INTEGER NOT NULL
) STRICT;

-- Requests that were under way when an engine crashed. A quarantined one is not asked again, by any
-- run; its row in `calls` is empty.
CREATE TABLE suspects (
  call_key       TEXT PRIMARY KEY,
  crashes        INTEGER NOT NULL,
  run_id         TEXT NOT NULL REFERENCES runs (id),
  round          INTEGER NOT NULL,
  stage          TEXT NOT NULL,
  reason         TEXT NOT NULL,            -- how the last crash ended the process
  quarantined_at TEXT
) STRICT;

-- Trainings of a round that failed in a way that other settings may mend, in order.
CREATE TABLE training_faults (
  run_id  TEXT NOT NULL,
  round   INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  fault   TEXT NOT NULL CHECK (fault IN ('nan_loss', 'out_of_memory')),
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, round, attempt),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number)
) STRICT;

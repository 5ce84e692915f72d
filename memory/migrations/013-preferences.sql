-- What a judge said of two answers to one task. Both orders are asked; 'calibration' pairs are those whose
-- better answer the verifier knows: they are never learned from.
CREATE TABLE preferences (
  run_id            TEXT NOT NULL,
  round             INTEGER NOT NULL,
  id                TEXT NOT NULL,
  task_id           TEXT NOT NULL,
  purpose           TEXT NOT NULL CHECK (purpose IN ('training', 'calibration')),
  first_source      TEXT NOT NULL CHECK (first_source IN ('attempt', 'revision')),
  first_id          TEXT NOT NULL,
  second_source     TEXT NOT NULL CHECK (second_source IN ('attempt', 'revision')),
  second_id         TEXT NOT NULL,
  forward_key       TEXT NOT NULL REFERENCES calls (key),  -- with the first answer shown first
  forward_repaired  INTEGER NOT NULL CHECK (forward_repaired IN (0, 1)),  -- whether it had to be asked again
  forward           TEXT NOT NULL CHECK (forward IN ('first', 'second', 'tie', 'ungradable')),
  backward_key      TEXT NOT NULL REFERENCES calls (key),  -- with the second answer shown first
  backward_repaired INTEGER NOT NULL CHECK (backward_repaired IN (0, 1)),
  backward          TEXT NOT NULL CHECK (backward IN ('first', 'second', 'tie', 'ungradable')),
  outcome           TEXT NOT NULL CHECK (outcome IN ('first', 'second', 'tie', 'ungradable')),
  prompt_hash       TEXT NOT NULL,
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, round, task_id) REFERENCES elicited (run_id, round, task_id),
  CHECK (outcome NOT IN ('first', 'second') OR (forward = outcome AND backward = outcome))
) STRICT;
CREATE INDEX preferences_by_round ON preferences (run_id, round);

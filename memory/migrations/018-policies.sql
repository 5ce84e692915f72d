-- What a round is going to do, before it begins. A plan that stops the run has a round that never begins.
CREATE TABLE plans (
  run_id      TEXT NOT NULL REFERENCES runs (id),
  round       INTEGER NOT NULL,
  author      TEXT NOT NULL CHECK (author IN ('adaptive', 'coach')),
  settings    TEXT NOT NULL CHECK (json_valid(settings)),   -- levers that differ from the recipe
  tasks       TEXT CHECK (json_valid(tasks)),               -- NULL: as the recipe says
  decisions   TEXT NOT NULL CHECK (json_valid(decisions)),
  stop        TEXT,                                         -- why the run ends here; NULL where it goes on
  fallback    TEXT,                                         -- why the coach's proposal was not taken
  observation TEXT NOT NULL CHECK (json_valid(observation)),
  PRIMARY KEY (run_id, round)
) STRICT;

-- Answers of a round's candidate to training tasks, never to those of a suite.
CREATE TABLE validations (
  run_id   TEXT NOT NULL,
  round    INTEGER NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('learned', 'unseen')),
  task_id  TEXT NOT NULL,
  call_key TEXT NOT NULL REFERENCES calls (key),
  answer   TEXT NOT NULL,
  outcome  TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  score    REAL,
  verifier TEXT NOT NULL,
  finding  TEXT NOT NULL,
  PRIMARY KEY (run_id, round, task_id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number),
  FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
  CHECK ((outcome = 'ungradable') = (score IS NULL))
) STRICT;

-- A stage may have several prompts: the recipe's own first, then those that a plan may take.
CREATE TABLE prompts_by_name (
  run_id   TEXT NOT NULL REFERENCES runs (id),
  stage    TEXT NOT NULL,
  name     TEXT NOT NULL,
  version  TEXT NOT NULL,
  hash     TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (run_id, stage, name)
) STRICT;
INSERT INTO prompts_by_name SELECT run_id, stage, name, version, hash, body FROM prompts ORDER BY rowid;
DROP TABLE prompts;
ALTER TABLE prompts_by_name RENAME TO prompts;

-- A study: one recipe with some settings varied. What it was when it began is here, so that neither an edited spec
-- nor an edited prompt changes it.
CREATE TABLE studies (
  id          TEXT PRIMARY KEY,
  spec        TEXT NOT NULL CHECK (json_valid(spec)),
  spec_hash   TEXT NOT NULL,
  recipe      TEXT NOT NULL CHECK (json_valid(recipe)),  -- that its arms are made from
  created_at  TEXT NOT NULL,
  finished_at TEXT
) STRICT;

CREATE TABLE study_prompts (
  study_id TEXT NOT NULL REFERENCES studies (id),
  stage    TEXT NOT NULL,
  name     TEXT NOT NULL,
  version  TEXT NOT NULL,
  hash     TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (study_id, stage, name)
) STRICT;

CREATE TABLE study_arms (
  study_id TEXT NOT NULL REFERENCES studies (id),
  id       TEXT NOT NULL,
  position INTEGER NOT NULL,
  role     TEXT NOT NULL CHECK (role IN ('treatment', 'equal-compute', 'untrained')),
  levels   TEXT NOT NULL CHECK (json_valid(levels)),
  settings TEXT NOT NULL CHECK (json_valid(settings)),
  PRIMARY KEY (study_id, id)
) STRICT;

-- An arm with a seed, in the order in which they are run.
CREATE TABLE study_runs (
  study_id TEXT NOT NULL,
  arm      TEXT NOT NULL,
  seed     INTEGER NOT NULL,
  position INTEGER NOT NULL,
  run_id   TEXT REFERENCES runs (id),       -- NULL: not begun
  stopped  TEXT,                            -- why it is not run; NULL where it is
  note     TEXT,                            -- what was decided when it was begun, for example its attempts
  PRIMARY KEY (study_id, arm, seed),
  FOREIGN KEY (study_id, arm) REFERENCES study_arms (study_id, id)
) STRICT;

-- Answers of which the verifier knows what they are, and what a critic says of them without being told.
CREATE TABLE examined (
  run_id     TEXT NOT NULL,
  round      INTEGER NOT NULL,
  id         TEXT NOT NULL,
  task_id    TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('right', 'wrong', 'planted')),
  answer     TEXT NOT NULL,
  call_key   TEXT REFERENCES calls (key),   -- NULL: nobody was asked
  text       TEXT NOT NULL,
  says       TEXT CHECK (says IN ('right', 'wrong', 'unsure', 'ungradable')),
  confidence REAL CHECK (confidence BETWEEN 0 AND 1),
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, round, task_id) REFERENCES elicited (run_id, round, task_id)
) STRICT;
CREATE INDEX examined_by_round ON examined (run_id, round);

-- The same answers, rewritten after that critique.
CREATE TABLE mended (
  run_id      TEXT NOT NULL,
  round       INTEGER NOT NULL,
  examined_id TEXT NOT NULL,
  call_key    TEXT NOT NULL REFERENCES calls (key),
  answer      TEXT NOT NULL,
  outcome     TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  score       REAL,
  verifier    TEXT NOT NULL,
  finding     TEXT NOT NULL,
  PRIMARY KEY (run_id, examined_id),
  FOREIGN KEY (run_id, examined_id) REFERENCES examined (run_id, id)
) STRICT;

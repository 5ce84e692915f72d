-- Everything that cost time is a row here before the next thing starts.

PRAGMA application_id = 1919184244;         -- "rdst": tells our files from others'

CREATE TABLE runs (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  recipe        TEXT NOT NULL,              -- the recipe as it was when the run began (JSON)
  recipe_hash   TEXT NOT NULL,
  model_digest  TEXT NOT NULL,
  model_path    TEXT NOT NULL,
  model_sha256  TEXT NOT NULL,              -- of the weights' file
  folder        TEXT NOT NULL,              -- artifacts, relative to the workspace
  state         TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'paused', 'failed', 'finished')),
  incumbent     TEXT REFERENCES adapters (sha256),  -- NULL: the base weights
  failure       TEXT,
  progress      TEXT,                       -- what the controller is at (JSON), for `status`
  owner_pid     INTEGER,                    -- the process that works on it
  created_at    TEXT NOT NULL,
  finished_at   TEXT
) STRICT;

CREATE TABLE prompts (
  run_id   TEXT NOT NULL REFERENCES runs (id),
  stage    TEXT NOT NULL,
  name     TEXT NOT NULL,
  version  TEXT NOT NULL,
  hash     TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (run_id, stage)
) STRICT;

CREATE TABLE tasks (
  run_id    TEXT NOT NULL REFERENCES runs (id),
  id        TEXT NOT NULL,
  split     TEXT NOT NULL CHECK (split IN ('train', 'replay', 'gate', 'sealed', 'retention')),
  position  INTEGER NOT NULL,
  prompt    TEXT NOT NULL,
  reference TEXT,
  verifier  TEXT NOT NULL,
  tags      TEXT NOT NULL,
  metadata  TEXT,
  PRIMARY KEY (run_id, id)
) STRICT;
CREATE UNIQUE INDEX tasks_by_split ON tasks (run_id, split, position);

-- Content-addressed: the key is the hash of model, adapter, messages and sampling. Shared by all runs.
CREATE TABLE calls (
  key                     TEXT PRIMARY KEY,
  model_digest            TEXT NOT NULL,
  adapter                 TEXT,
  messages                TEXT NOT NULL,
  sampling                TEXT NOT NULL,
  text                    TEXT NOT NULL,
  stop_reason             TEXT NOT NULL CHECK (stop_reason IN ('end', 'length')),
  prompt_tokens           INTEGER NOT NULL,
  evaluated_prompt_tokens INTEGER NOT NULL,
  completion_tokens       INTEGER NOT NULL,
  duration_ms             REAL NOT NULL,
  paid_by_run             TEXT NOT NULL,
  paid_in_round           INTEGER NOT NULL,
  paid_in_stage           TEXT NOT NULL,
  created_at              TEXT NOT NULL
) STRICT;
CREATE INDEX calls_by_run ON calls (paid_by_run, paid_in_round, paid_in_stage);

CREATE TABLE rounds (
  run_id      TEXT NOT NULL REFERENCES runs (id),
  number      INTEGER NOT NULL,
  incumbent   TEXT REFERENCES adapters (sha256),
  candidate   TEXT REFERENCES adapters (sha256),
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  PRIMARY KEY (run_id, number)
) STRICT;

-- A stage is in here when its rows are: both are written in one transaction.
CREATE TABLE stages (
  run_id      TEXT NOT NULL,
  round       INTEGER NOT NULL,
  stage       TEXT NOT NULL,
  summary     TEXT NOT NULL,
  seconds     REAL NOT NULL,
  finished_at TEXT NOT NULL,
  PRIMARY KEY (run_id, round, stage),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number)
) STRICT;

CREATE TABLE elicited (
  run_id   TEXT NOT NULL,
  round    INTEGER NOT NULL,
  task_id  TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (run_id, round, task_id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number),
  FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id)
) STRICT;

CREATE TABLE attempts (
  run_id   TEXT NOT NULL,
  round    INTEGER NOT NULL,
  id       TEXT NOT NULL,
  task_id  TEXT NOT NULL,
  position INTEGER NOT NULL,
  call_key TEXT NOT NULL REFERENCES calls (key),
  answer   TEXT NOT NULL,
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, round, task_id) REFERENCES elicited (run_id, round, task_id)
) STRICT;
CREATE INDEX attempts_by_round ON attempts (run_id, round);

-- A verdict belongs to an attempt or to a revision.
CREATE TABLE verdicts (
  run_id     TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  outcome    TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  score      REAL,
  verifier   TEXT NOT NULL,
  finding    TEXT NOT NULL,
  PRIMARY KEY (run_id, subject_id),
  CHECK ((outcome = 'ungradable') = (score IS NULL))
) STRICT;

CREATE TABLE critiques (
  run_id      TEXT NOT NULL,
  round       INTEGER NOT NULL,
  id          TEXT NOT NULL,
  attempt_id  TEXT NOT NULL,
  task_id     TEXT NOT NULL,
  call_key    TEXT NOT NULL REFERENCES calls (key),
  prompt_hash TEXT NOT NULL,
  text        TEXT NOT NULL,
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, id)
) STRICT;
CREATE INDEX critiques_by_round ON critiques (run_id, round);

CREATE TABLE revisions (
  run_id      TEXT NOT NULL,
  round       INTEGER NOT NULL,
  id          TEXT NOT NULL,
  attempt_id  TEXT NOT NULL,
  critique_id TEXT,
  task_id     TEXT NOT NULL,
  position    INTEGER NOT NULL,
  call_key    TEXT NOT NULL REFERENCES calls (key),
  answer      TEXT NOT NULL,
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, id),
  FOREIGN KEY (run_id, critique_id) REFERENCES critiques (run_id, id)
) STRICT;
CREATE INDEX revisions_by_round ON revisions (run_id, round);

-- The training set of a round, in order, each row with its lineage.
CREATE TABLE examples (
  run_id       TEXT NOT NULL,
  round        INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  id           TEXT NOT NULL,
  task_id      TEXT NOT NULL,
  source       TEXT NOT NULL CHECK (source IN ('attempt', 'revision', 'replay')),
  source_id    TEXT NOT NULL,
  origin_round INTEGER NOT NULL,
  messages     TEXT NOT NULL,
  completion   TEXT NOT NULL,
  PRIMARY KEY (run_id, round, id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number)
) STRICT;

-- What curation left out, and why; counted in the report.
CREATE TABLE refusals (
  run_id    TEXT NOT NULL,
  round     INTEGER NOT NULL,
  source_id TEXT NOT NULL,
  task_id   TEXT NOT NULL,
  reason    TEXT NOT NULL,
  PRIMARY KEY (run_id, round, source_id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number)
) STRICT;

CREATE TABLE adapters (
  sha256       TEXT PRIMARY KEY,            -- of the GGUF file
  model_digest TEXT NOT NULL,
  parent       TEXT REFERENCES adapters (sha256),
  gguf_path    TEXT NOT NULL,               -- relative to the workspace
  peft_path    TEXT NOT NULL,
  round        INTEGER NOT NULL,
  final_loss   REAL,
  tokens       INTEGER NOT NULL,
  seconds      REAL NOT NULL,
  created_at   TEXT NOT NULL
) STRICT;

-- One row for each task of a suite and each model that answered it. adapter '' is the base weights.
CREATE TABLE evaluations (
  run_id   TEXT NOT NULL,
  suite    TEXT NOT NULL CHECK (suite IN ('gate', 'retention', 'sealed')),
  adapter  TEXT NOT NULL,
  task_id  TEXT NOT NULL,
  position INTEGER NOT NULL,
  call_key TEXT NOT NULL REFERENCES calls (key),
  answer   TEXT NOT NULL,
  outcome  TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  score    REAL,
  verifier TEXT NOT NULL,
  finding  TEXT NOT NULL,
  PRIMARY KEY (run_id, suite, adapter, task_id),
  FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
  CHECK ((outcome = 'ungradable') = (score IS NULL))
) STRICT;

CREATE TABLE decisions (
  run_id   TEXT NOT NULL,
  round    INTEGER NOT NULL,
  outcome  TEXT NOT NULL CHECK (outcome IN ('promoted', 'rejected', 'skipped')),
  reason   TEXT NOT NULL,
  evidence TEXT NOT NULL,
  PRIMARY KEY (run_id, round),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number)
) STRICT;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id   TEXT NOT NULL REFERENCES runs (id),
  round    INTEGER,
  kind     TEXT NOT NULL,
  payload  TEXT NOT NULL,
  at       TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run_id, sequence);

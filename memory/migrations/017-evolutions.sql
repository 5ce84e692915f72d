-- A search for a better critique prompt. It is a run whose recipe trains nothing, so that its lease, budgets and log
-- are those of every run; here is what it came across.
CREATE TABLE evolutions (
  run_id TEXT PRIMARY KEY REFERENCES runs (id),
  spec   TEXT NOT NULL CHECK (json_valid(spec))
) STRICT;

-- Training tasks of the run: what prompts are bred on, and what a winner has to win again on.
CREATE TABLE evolution_tasks (
  run_id   TEXT NOT NULL,
  task_id  TEXT NOT NULL,
  purpose  TEXT NOT NULL CHECK (purpose IN ('breed', 'prove')),
  position INTEGER NOT NULL,
  PRIMARY KEY (run_id, task_id),
  FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id)
) STRICT;

-- Units of work that are done, in their order.
CREATE TABLE evolution_steps (
  run_id   TEXT NOT NULL REFERENCES evolutions (run_id),
  position INTEGER NOT NULL,
  name     TEXT NOT NULL,
  seconds  REAL NOT NULL,
  summary  TEXT NOT NULL CHECK (json_valid(summary)),
  PRIMARY KEY (run_id, position),
  UNIQUE (run_id, name)
) STRICT;

-- Attempts at these tasks, which all prompts share; `tried` is what critics are tried on.
CREATE TABLE evolution_drafts (
  run_id    TEXT NOT NULL,
  id        TEXT NOT NULL,
  task_id   TEXT NOT NULL,
  number    INTEGER NOT NULL,
  call_key  TEXT NOT NULL REFERENCES calls (key),
  answer    TEXT NOT NULL,
  truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
  outcome   TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  score     REAL,
  verifier  TEXT NOT NULL,
  finding   TEXT NOT NULL,
  tried     TEXT CHECK (tried IN ('right', 'wrong')),
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, task_id) REFERENCES evolution_tasks (run_id, task_id)
) STRICT;

-- What the reflecting model proposed, and what was wrong with it.
CREATE TABLE evolution_proposals (
  run_id     TEXT NOT NULL REFERENCES evolutions (run_id),
  id         TEXT NOT NULL,
  generation INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  parent     TEXT NOT NULL,
  minibatch  TEXT NOT NULL CHECK (json_valid(minibatch)),
  call_key   TEXT REFERENCES calls (key),    -- NULL: nothing was asked
  fault      TEXT,                           -- the kind of fault; NULL where it is a prompt to try
  reason     TEXT,
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, parent) REFERENCES evolution_candidates (run_id, id)
) STRICT;

-- Prompts that were tried: the ancestor, and the valid proposals.
CREATE TABLE evolution_candidates (
  run_id     TEXT NOT NULL REFERENCES evolutions (run_id),
  id         TEXT NOT NULL,
  generation INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  parent     TEXT,                           -- NULL: the ancestor
  hash       TEXT NOT NULL,
  body       TEXT NOT NULL,
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, parent) REFERENCES evolution_candidates (run_id, id)
) STRICT;

-- Critique, revision and verdict of one draft after a candidate's prompt.
CREATE TABLE evolution_trials (
  run_id       TEXT NOT NULL,
  candidate    TEXT NOT NULL,
  draft_id     TEXT NOT NULL,
  critique_key TEXT NOT NULL REFERENCES calls (key),
  critique     TEXT NOT NULL,
  says         TEXT CHECK (says IN ('right', 'wrong', 'unsure', 'ungradable')),
  revision_key TEXT NOT NULL REFERENCES calls (key),
  revision     TEXT NOT NULL,
  outcome      TEXT NOT NULL CHECK (outcome IN ('ok', 'wrong', 'ungradable')),
  finding      TEXT NOT NULL,
  score        REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
  PRIMARY KEY (run_id, candidate, draft_id),
  FOREIGN KEY (run_id, candidate) REFERENCES evolution_candidates (run_id, id),
  FOREIGN KEY (run_id, draft_id) REFERENCES evolution_drafts (run_id, id)
) STRICT;

-- A child against its parent on its minibatch: mean fitness of both.
CREATE TABLE evolution_matches (
  run_id       TEXT NOT NULL,
  candidate    TEXT NOT NULL,
  parent_score REAL NOT NULL,
  child_score  REAL NOT NULL,
  entered      INTEGER NOT NULL CHECK (entered IN (0, 1)),
  PRIMARY KEY (run_id, candidate),
  FOREIGN KEY (run_id, candidate) REFERENCES evolution_candidates (run_id, id)
) STRICT;

-- The decisions: finalists against the ancestor on the proving tasks.
CREATE TABLE evolution_proofs (
  run_id     TEXT NOT NULL,
  candidate  TEXT NOT NULL,
  position   INTEGER NOT NULL,
  tasks      INTEGER NOT NULL,
  better     INTEGER NOT NULL,
  worse      INTEGER NOT NULL,
  low        REAL NOT NULL,
  high       REAL NOT NULL,
  p          REAL NOT NULL,
  p_adjusted REAL NOT NULL,
  won        INTEGER NOT NULL CHECK (won IN (0, 1)),
  path       TEXT,                           -- of the prompt's file, relative to the workspace
  PRIMARY KEY (run_id, candidate),
  FOREIGN KEY (run_id, candidate) REFERENCES evolution_candidates (run_id, id)
) STRICT;

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

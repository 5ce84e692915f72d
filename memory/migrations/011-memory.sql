-- What a run remembers in its student's prompt, beside trained weights or in their place.

-- An adapter may have no weights of its own now. Whoever refers to the table is checked at the commit.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE adapters_before AS SELECT * FROM adapters;
DROP TABLE adapters;
CREATE TABLE adapters (
  sha256       TEXT PRIMARY KEY,            -- of the memory's file where there is one, else of the GGUF file
  model_digest TEXT NOT NULL,
  parent       TEXT REFERENCES adapters (sha256),
  gguf_path    TEXT,                        -- relative to the workspace; NULL: the base model's weights
  peft_path    TEXT,
  round        INTEGER NOT NULL,
  final_loss   REAL,
  tokens       INTEGER NOT NULL,
  seconds      REAL NOT NULL,
  created_at   TEXT NOT NULL,
  weights      TEXT,                        -- sha256 of the GGUF file
  memory_path  TEXT,                        -- relative to the workspace; NULL: nothing is remembered
  memory       TEXT,                        -- what is in that file (JSON)
  CHECK ((weights IS NULL) = (gguf_path IS NULL) AND (weights IS NULL) = (peft_path IS NULL)),
  CHECK ((memory IS NULL) = (memory_path IS NULL)),
  CHECK (weights IS NOT NULL OR memory IS NOT NULL)
) STRICT;
INSERT INTO adapters (sha256, model_digest, parent, gguf_path, peft_path, round, final_loss, tokens,
                      seconds, created_at, weights)
  SELECT sha256, model_digest, parent, gguf_path, peft_path, round, final_loss, tokens, seconds,
         created_at, sha256
    FROM adapters_before;
DROP TABLE adapters_before;

-- A line that the model made of a critique whose revision was right.
CREATE TABLE distilled (
  run_id      TEXT NOT NULL,
  round       INTEGER NOT NULL,
  id          TEXT NOT NULL,
  task_id     TEXT NOT NULL,
  attempt_id  TEXT NOT NULL,
  critique_id TEXT NOT NULL,
  revision_id TEXT NOT NULL,
  call_key    TEXT NOT NULL REFERENCES calls (key),
  text        TEXT NOT NULL,
  refused     TEXT,                         -- why no memory may hold it; NULL: it may
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number),
  FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, id),
  FOREIGN KEY (run_id, critique_id) REFERENCES critiques (run_id, id),
  FOREIGN KEY (run_id, revision_id) REFERENCES revisions (run_id, id)
) STRICT;
CREATE INDEX distilled_by_round ON distilled (run_id, round);

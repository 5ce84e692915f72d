-- What a training method other than plain imitation takes from an example: a rejected answer, a label, a ranking, …
CREATE TABLE lessons (
  run_id     TEXT NOT NULL,
  round      INTEGER NOT NULL,
  example_id TEXT NOT NULL,
  lesson     TEXT NOT NULL CHECK (json_valid(lesson)),
  PRIMARY KEY (run_id, round, example_id),
  FOREIGN KEY (run_id, round, example_id) REFERENCES examples (run_id, round, id)
) STRICT;

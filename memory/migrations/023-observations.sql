-- What a coach is told of a round, before its first question; the round's plan takes it over.
CREATE TABLE observations (
  run_id      TEXT NOT NULL REFERENCES runs (id),
  round       INTEGER NOT NULL,
  observation TEXT NOT NULL CHECK (json_valid(observation)),
  PRIMARY KEY (run_id, round)
) STRICT;

-- What work on a run took, by night (noon to noon): added to while it goes on, so that a kill loses a moment.
CREATE TABLE work (
  run_id       TEXT NOT NULL REFERENCES runs (id),
  night        TEXT NOT NULL,               -- the date on which it began
  milliseconds INTEGER NOT NULL,            -- monotonic
  bytes        INTEGER NOT NULL,            -- that adapters and database grew by
  PRIMARY KEY (run_id, night)
) STRICT;

-- With all that sums of spending read, so that they do not read the answers.
DROP INDEX calls_by_run;
CREATE INDEX calls_by_run ON calls (paid_by_run, paid_in_round, paid_in_stage, created_at,
  prompt_tokens, evaluated_prompt_tokens, completion_tokens);

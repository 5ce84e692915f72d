-- Calls that a run asked for and another had paid for, so that what it stands on does not depend on who paid: most are
-- named by rows of the run itself, but neither rehearsals nor what a judge was asked twice or graded.
CREATE TABLE call_uses (
  run_id   TEXT NOT NULL REFERENCES runs (id),
  stage    TEXT NOT NULL,                       -- that asked first
  call_key TEXT NOT NULL REFERENCES calls (key),
  PRIMARY KEY (run_id, call_key)
) STRICT, WITHOUT ROWID;

-- What somebody asked of a run while another process works on it; `resume` takes it back.
CREATE TABLE requests (
  run_id TEXT PRIMARY KEY REFERENCES runs (id),
  kind   TEXT NOT NULL CHECK (kind IN ('pause')),
  at     TEXT NOT NULL
) STRICT;

-- Who works on a run. A row stays when nobody does: its epoch must never come back.

CREATE TABLE leases (
  run_id         TEXT PRIMARY KEY REFERENCES runs (id),
  epoch          INTEGER NOT NULL CHECK (epoch > 0),  -- grows with every owner; each write checks it
  host           TEXT,                      -- NULL: nobody holds it
  pid            INTEGER,
  started        TEXT,                      -- the process's start mark, where the system has one
  worker_pid     INTEGER,                   -- the trainer that the owner started
  worker_started TEXT,
  beat           INTEGER NOT NULL,          -- grows with every sign of life
  beat_at        INTEGER NOT NULL,          -- by the owner's wall clock, in milliseconds since 1970
  duration_ms    INTEGER NOT NULL,          -- silent for longer than this, it may be taken over
  CHECK ((host IS NULL) = (pid IS NULL))
) STRICT;

CREATE TRIGGER leases_epoch_only_grows BEFORE UPDATE OF epoch ON leases WHEN NEW.epoch < OLD.epoch
BEGIN
  SELECT RAISE(ABORT, 'the epoch of a lease only grows');
END;

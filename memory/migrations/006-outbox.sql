-- Notifications, each written in the transaction of the event that it tells of and sent beside the loop.

CREATE TABLE outbox (
  sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,     -- sent along: a receiver knows a repetition by it
  run_id          TEXT NOT NULL REFERENCES runs (id),
  round           INTEGER,
  event           TEXT NOT NULL CHECK (event IN ('promoted', 'rejected', 'paused', 'failed', 'finished')),
  channel         TEXT NOT NULL,            -- the key of one of the recipe's channels
  title           TEXT NOT NULL,
  text            TEXT NOT NULL,
  state           TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given_up')),
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT,                     -- NULL: at once
  problem         TEXT,                     -- why the last attempt failed
  created_at      TEXT NOT NULL,
  settled_at      TEXT
) STRICT;
CREATE INDEX outbox_waiting ON outbox (run_id, sequence) WHERE state = 'waiting';

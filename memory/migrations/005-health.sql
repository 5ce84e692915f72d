-- What each monitor of the health of learning saw in a decided round; no row where it had nothing to read.
CREATE TABLE readings (
  run_id    TEXT NOT NULL,
  round     INTEGER NOT NULL,
  monitor   TEXT NOT NULL,
  value     REAL NOT NULL,
  baseline  REAL,                       -- NULL: nothing to hold the value against yet
  threshold REAL NOT NULL,
  fired     INTEGER NOT NULL CHECK (fired IN (0, 1)),
  action    TEXT NOT NULL CHECK (action IN ('warn', 'stop', 'roll-back')),
  text      TEXT NOT NULL,
  PRIMARY KEY (run_id, round, monitor),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number)
) STRICT;
CREATE INDEX readings_by_monitor ON readings (run_id, monitor, round);

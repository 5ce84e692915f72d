-- Failures grouped by what went wrong, over the rounds of a run.
CREATE TABLE clusters (
  run_id   TEXT NOT NULL,
  id       TEXT NOT NULL,
  round    INTEGER NOT NULL,                -- in which it was born
  outcome  TEXT NOT NULL CHECK (outcome IN ('wrong', 'ungradable')),
  verifier TEXT NOT NULL,                   -- empty, as the reason: what found no group of its own
  reason   TEXT NOT NULL,                   -- the finding with placeholders for numbers and quoted parts
  leader   TEXT,                            -- the attempt that its members resemble; NULL: the reason makes the group
  step     TEXT,                            -- the leader's first wrong step, as its critique named it
  name     TEXT NOT NULL,
  named_by TEXT REFERENCES calls (key),     -- NULL: named by its reason
  PRIMARY KEY (run_id, id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number),
  FOREIGN KEY (run_id, leader) REFERENCES attempts (run_id, id)
) STRICT;

CREATE TABLE cluster_members (
  run_id     TEXT NOT NULL,
  round      INTEGER NOT NULL,
  attempt_id TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  PRIMARY KEY (run_id, attempt_id),
  FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, id),
  FOREIGN KEY (run_id, cluster_id) REFERENCES clusters (run_id, id)
) STRICT;
CREATE INDEX cluster_members_by_round ON cluster_members (run_id, round);

-- Every cluster in every round from its birth, also where it has no failures.
CREATE TABLE cluster_rounds (
  run_id     TEXT NOT NULL,
  round      INTEGER NOT NULL,
  cluster_id TEXT NOT NULL,
  failures   INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,              -- of the round, right ones too
  state      TEXT NOT NULL CHECK (state IN ('born', 'growing', 'steady', 'shrinking', 'gone', 'relapsed')),
  PRIMARY KEY (run_id, round, cluster_id),
  FOREIGN KEY (run_id, cluster_id) REFERENCES clusters (run_id, id)
) STRICT;

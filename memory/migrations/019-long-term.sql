-- Lessons that outlive runs. Those of one family are shared by all runs that name it.
CREATE TABLE memory_families (
  family TEXT PRIMARY KEY,
  rounds INTEGER NOT NULL DEFAULT 0           -- that ended with this memory: its clock
) STRICT;

CREATE TABLE memory_lessons (
  number         INTEGER PRIMARY KEY,         -- its row in memory_search
  id             TEXT NOT NULL UNIQUE,        -- hash of the family and its first words
  family         TEXT NOT NULL REFERENCES memory_families (family),
  cluster        TEXT,                        -- NULL: all of the family
  version        INTEGER NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('active', 'retired', 'forgotten')),
  retired_for    TEXT CHECK (retired_for IN ('cap', 'contradicted', 'unhelpful', 'hand')),
  reason         TEXT,
  source         TEXT NOT NULL CHECK (source IN ('run', 'coach', 'import')),
  learned_at     INTEGER NOT NULL,            -- on the family's clock, as the next two
  used_at        INTEGER,
  counted_at     INTEGER NOT NULL,
  shown_right    REAL NOT NULL DEFAULT 0,     -- tasks whose teacher saw it: sum of the shares of right attempts
  shown_tasks    REAL NOT NULL DEFAULT 0,
  withheld_right REAL NOT NULL DEFAULT 0,     -- the same of tasks that it fitted and that did not see it
  withheld_tasks REAL NOT NULL DEFAULT 0,
  elsewhere      TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(elsewhere)),  -- prompts that it was learned from in other workspaces
  CHECK ((state = 'active') = (retired_for IS NULL) AND (state = 'active') = (reason IS NULL))
) STRICT;
CREATE INDEX memory_lessons_by_family ON memory_lessons (family, state);

-- A lesson's words. They are never changed: an edit is another version.
CREATE TABLE memory_versions (
  lesson_id  TEXT NOT NULL REFERENCES memory_lessons (id),
  version    INTEGER NOT NULL,
  text       TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (lesson_id, version)
) STRICT;

-- A training task of a run that speaks for a lesson.
CREATE TABLE memory_evidence (
  lesson_id   TEXT NOT NULL REFERENCES memory_lessons (id),
  run_id      TEXT NOT NULL,
  round       INTEGER NOT NULL,
  task_id     TEXT NOT NULL,
  attempt_id  TEXT,
  critique_id TEXT,
  revision_id TEXT,
  PRIMARY KEY (lesson_id, run_id, round, task_id),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number),
  FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
  FOREIGN KEY (run_id, attempt_id) REFERENCES attempts (run_id, id),
  FOREIGN KEY (run_id, critique_id) REFERENCES critiques (run_id, id),
  FOREIGN KEY (run_id, revision_id) REFERENCES revisions (run_id, id)
) STRICT;

-- Whatever writes here: a task that measures speaks for nothing, and is shown nothing.
CREATE TRIGGER memory_evidence_is_training BEFORE INSERT ON memory_evidence
WHEN NOT EXISTS (SELECT 1 FROM tasks WHERE run_id = NEW.run_id AND id = NEW.task_id AND split = 'train')
BEGIN SELECT raise(ABORT, 'a lesson is learned from training tasks alone'); END;

-- Which lessons fitted a task of a round, as they were then; frozen with the round's tasks.
CREATE TABLE memory_uses (
  run_id    TEXT NOT NULL,
  round     INTEGER NOT NULL,
  task_id   TEXT NOT NULL,
  position  INTEGER NOT NULL,
  lesson_id TEXT NOT NULL,
  version   INTEGER NOT NULL,
  shown     INTEGER NOT NULL CHECK (shown IN (0, 1)),  -- 0: withheld, to see what difference it makes
  PRIMARY KEY (run_id, round, task_id, position),
  FOREIGN KEY (run_id, round) REFERENCES rounds (run_id, number),
  FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
  FOREIGN KEY (lesson_id, version) REFERENCES memory_versions (lesson_id, version)
) STRICT;

CREATE TRIGGER memory_uses_is_training BEFORE INSERT ON memory_uses
WHEN NOT EXISTS (SELECT 1 FROM tasks WHERE run_id = NEW.run_id AND id = NEW.task_id AND split = 'train')
BEGIN SELECT raise(ABORT, 'lessons are shown with training tasks alone'); END;

-- What happened to a lesson, in order; run and round are NULL where it was done by hand.
CREATE TABLE memory_journal (
  sequence  INTEGER PRIMARY KEY,
  lesson_id TEXT NOT NULL REFERENCES memory_lessons (id),
  kind      TEXT NOT NULL CHECK (kind IN ('learned', 'supported', 'edited', 'imported', 'retired', 'revived', 'forgotten', 'refused')),
  run_id    TEXT REFERENCES runs (id),
  round     INTEGER,
  version   INTEGER NOT NULL,
  reason    TEXT,
  at        TEXT NOT NULL
) STRICT;
CREATE INDEX memory_journal_by_run ON memory_journal (run_id, round);
CREATE INDEX memory_journal_by_lesson ON memory_journal (lesson_id);

-- A lesson's words as they are now, and the tasks that it was learned from, to find it by.
CREATE VIRTUAL TABLE memory_search USING fts5 (text, prompts, tokenize = 'porter unicode61 remove_diacritics 2');

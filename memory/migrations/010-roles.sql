-- Which model answered in which role when the run began: {"teacher": {"digest": …, "description": …}, …}.
-- The student's digest is in model_digest, too; a run from before there were roles has none here.
ALTER TABLE runs ADD COLUMN roles TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(roles));

-- What a critique says of the answer, where its prompt asks for a verdict: 'ungradable' is one that gave none that
-- can be read. NULL: its prompt asks for none, as all did before.
ALTER TABLE critiques ADD COLUMN says TEXT CHECK (says IN ('right', 'wrong', 'unsure', 'ungradable'));
ALTER TABLE critiques ADD COLUMN confidence REAL CHECK (confidence BETWEEN 0 AND 1);

-- What else a request asked for that is part of its key: {"schema":…} or {"topLogprobs":…}, canonical JSON.
CREATE TABLE call_forms (
  call_key TEXT PRIMARY KEY REFERENCES calls (key) ON DELETE CASCADE,
  form     TEXT NOT NULL
) STRICT;
INSERT INTO call_forms
  SELECT call_key, json_object('topLogprobs', CAST(recipe ->> '$.retrain.topLogprobs' AS INTEGER))
    FROM call_logprobs JOIN calls ON key = call_key JOIN runs ON runs.id = paid_by_run
   WHERE recipe ->> '$.retrain.topLogprobs' IS NOT NULL;

-- Log-probabilities of an answer's tokens, where its request asked for them: deflated JSON, see src/store/logprobs.ts.
CREATE TABLE call_logprobs (
  call_key TEXT PRIMARY KEY REFERENCES calls (key) ON DELETE CASCADE,
  tokens   BLOB NOT NULL
) STRICT;

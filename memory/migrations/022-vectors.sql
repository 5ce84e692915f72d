-- Vectors of texts, by which lessons are found where a recipe wants it; each text is given to a model once.
CREATE TABLE vectors (
  model       TEXT NOT NULL,                  -- digest of whatever made it
  text_sha256 TEXT NOT NULL,
  vector      BLOB NOT NULL CHECK (length(vector) > 0 AND length(vector) % 4 = 0),  -- float32, little-endian, of length 1
  PRIMARY KEY (model, text_sha256)
) STRICT;

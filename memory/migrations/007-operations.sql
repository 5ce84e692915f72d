-- Adapters of rejected candidates whose files `redistill gc` took away; their rows stay as history.
CREATE TABLE collected_adapters (
  sha256 TEXT PRIMARY KEY REFERENCES adapters (sha256),
  at     TEXT NOT NULL
) STRICT;

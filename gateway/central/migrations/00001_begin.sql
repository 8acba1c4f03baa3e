-- +goose Up
-- Times are nanoseconds since 1970. Persons are keyed hashes. Bodies never change.
CREATE TABLE orders (
  id         TEXT PRIMARY KEY,
  key        TEXT UNIQUE,      -- Idempotency-Key; NULL for none.
  person     BLOB,             -- NULL for nobody.
  content    BLOB NOT NULL,    -- SHA-256 of the order as it was placed.
  body       BLOB NOT NULL,
  status     TEXT NOT NULL,
  unit       TEXT NOT NULL,    -- Who holds it; '' for nobody.
  collection TEXT NOT NULL,
  placed     INTEGER NOT NULL,
  changed    INTEGER NOT NULL,
  version    INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_person ON orders (person, placed);
CREATE INDEX orders_status ON orders (status);

-- A label is one tube, and a tube has one order.
CREATE TABLE specimens (
  id      TEXT PRIMARY KEY,
  of      TEXT NOT NULL REFERENCES orders (id),
  place   INTEGER NOT NULL,    -- Its number among the specimens of the order.
  body    BLOB NOT NULL
) STRICT;
CREATE INDEX specimens_of ON specimens (of);

CREATE TABLE events (
  of      TEXT NOT NULL REFERENCES orders (id),
  version INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  what    TEXT NOT NULL,
  unit    TEXT NOT NULL,
  status  TEXT NOT NULL,       -- After it.
  note    TEXT NOT NULL,
  PRIMARY KEY (of, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  unit         TEXT NOT NULL,
  key          TEXT NOT NULL,
  person       BLOB NOT NULL,
  content      BLOB NOT NULL,
  of           TEXT NOT NULL,     -- Order id; need not be known here.
  body         BLOB NOT NULL,
  received     INTEGER NOT NULL,
  lease        TEXT NOT NULL DEFAULT '',
  consumer     TEXT NOT NULL DEFAULT '',
  until        INTEGER NOT NULL DEFAULT 0, -- End of the lease.
  attempts     INTEGER NOT NULL DEFAULT 0,
  why          TEXT NOT NULL DEFAULT '',   -- Of the last time that it was given back.
  acknowledged INTEGER NOT NULL DEFAULT 0, -- 0 while it waits.
  UNIQUE (unit, key)
) STRICT;
CREATE INDEX results_waiting ON results (id) WHERE acknowledged = 0;
CREATE INDEX results_person ON results (person, id) WHERE acknowledged = 0;

CREATE TABLE units (
  id       TEXT PRIMARY KEY,
  seen     INTEGER NOT NULL,
  reported INTEGER NOT NULL,   -- 0 for never.
  report   BLOB
) STRICT;

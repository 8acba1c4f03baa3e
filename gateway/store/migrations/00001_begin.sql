-- +goose Up
-- One sequence numbers arrivals, sessions, settlements and deliveries, so that an id says which came first and one
-- table of bytes serves them all. Rows of arrival and delivery stay small, since their states change; bytes never do.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value ANY
) WITHOUT ROWID;

CREATE TABLE bytes (
  id   INTEGER PRIMARY KEY, -- Of the arrival or the delivery that brought them.
  data BLOB NOT NULL
);

CREATE TABLE arrival (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL, -- Nanoseconds since 1970, as every time here.
  kind       TEXT NOT NULL,
  source     TEXT NOT NULL,
  peer       TEXT NOT NULL,
  control    TEXT NOT NULL,
  incomplete INTEGER NOT NULL,
  changes    INTEGER NOT NULL,
  size       INTEGER NOT NULL,
  hash       BLOB NOT NULL,    -- First half of SHA-256 of the bytes.
  state      INTEGER NOT NULL, -- -1 kept again, 0 kept, 1 settled, 2 parked, 3 resolved.
  settlement INTEGER NOT NULL  -- The last one; 0 for none.
);
-- The rule of P2: the first arrival with a control id is unique, and the INSERT itself finds a second one.
CREATE UNIQUE INDEX arrival_control ON arrival (control, source) WHERE control <> '' AND changes = 0;
CREATE INDEX arrival_changed ON arrival (control, source) WHERE changes <> 0;
CREATE INDEX arrival_kept ON arrival (id) WHERE state <= 0;

CREATE TABLE session (
  id     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  source TEXT NOT NULL,
  peer   TEXT NOT NULL
);
CREATE TABLE frame (
  session INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  data    BLOB NOT NULL,
  PRIMARY KEY (session, n)
) WITHOUT ROWID;

CREATE TABLE settlement (
  id       INTEGER PRIMARY KEY,
  previous INTEGER NOT NULL, -- The settlement before a release; 0 for none.
  arrival  INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  decision TEXT NOT NULL,
  rule     TEXT NOT NULL,
  note     TEXT NOT NULL,
  reply    BLOB,
  keys     BLOB -- Search keys as keyed hashes, 12 bytes each: what search.db is built from.
);

CREATE TABLE delivery (
  id          INTEGER PRIMARY KEY,
  arrival     INTEGER NOT NULL,
  key         TEXT NOT NULL,
  destination TEXT NOT NULL,
  lane        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  subject     TEXT NOT NULL,
  label       TEXT NOT NULL,
  payload     INTEGER NOT NULL, -- In bytes: its own id, or that of a sibling with the same bytes.
  owed_at     INTEGER NOT NULL,
  state       INTEGER NOT NULL, -- 0 owed, 1 delivered, 2 parked, 3 rejected.
  attempts    INTEGER NOT NULL,
  not_before  INTEGER NOT NULL,
  last_error  TEXT NOT NULL
);
CREATE INDEX delivery_owed ON delivery (destination, id) WHERE state = 0;
CREATE INDEX delivery_arrival ON delivery (arrival);

CREATE TABLE attempt (
  delivery INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  class    TEXT NOT NULL,
  detail   TEXT NOT NULL,
  hint     TEXT NOT NULL,
  PRIMARY KEY (delivery, n)
) WITHOUT ROWID;

CREATE TABLE parked (
  id           INTEGER PRIMARY KEY,
  arrival      INTEGER NOT NULL, -- 0 when a delivery is parked.
  delivery     INTEGER NOT NULL, -- 0 when an arrival is parked.
  source       TEXT NOT NULL,
  reason       TEXT NOT NULL,
  hint         TEXT NOT NULL,
  subject      TEXT NOT NULL,
  at           INTEGER NOT NULL,
  resolved     TEXT NOT NULL, -- '' while it is open.
  resolved_at  INTEGER NOT NULL,
  resolved_by  TEXT NOT NULL,
  resolved_why TEXT NOT NULL
);
CREATE INDEX parked_open ON parked (id) WHERE resolved = '';
CREATE INDEX parked_arrival ON parked (arrival) WHERE arrival <> 0;
CREATE INDEX parked_delivery ON parked (delivery) WHERE delivery <> 0;

CREATE TABLE binding (
  specimen TEXT PRIMARY KEY,
  of_order TEXT NOT NULL,
  body     BLOB NOT NULL
);
CREATE INDEX binding_order ON binding (of_order);

CREATE TABLE revision (
  key    TEXT PRIMARY KEY,
  status TEXT NOT NULL,
  value  TEXT NOT NULL,
  at     INTEGER NOT NULL
);

CREATE TABLE desk (
  name  TEXT PRIMARY KEY,
  state BLOB NOT NULL
);

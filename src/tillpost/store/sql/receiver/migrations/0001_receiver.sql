-- What the platform's side keeps. Keys are 17 bytes: a code and half a SHA-256.

-- Accepted and not yet settled, one row a request: no index, for it is on the path of the answer.
CREATE TABLE inbox (
  box INTEGER PRIMARY KEY AUTOINCREMENT,
  events BLOB NOT NULL
);

-- Settled events. `twin` is the event that this one duplicates; `opened_at` is when the
-- first of its twins was received; `person` is by its own keys, `joint` by its twins' too.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  dataset_id TEXT NOT NULL,
  source INTEGER NOT NULL,
  event_name TEXT NOT NULL,
  event_id TEXT,
  event_time INTEGER NOT NULL,
  received_at REAL NOT NULL,
  opened_at REAL NOT NULL,
  action_source TEXT,
  value INTEGER,
  currency TEXT,
  order_id TEXT,
  test_event_code TEXT,
  traits INTEGER NOT NULL,
  unusable TEXT NOT NULL,
  keys BLOB NOT NULL,
  held BLOB NOT NULL,
  twin INTEGER,
  absorbed INTEGER NOT NULL,
  person INTEGER,
  matched_by TEXT NOT NULL,
  confidence REAL NOT NULL,
  merged INTEGER NOT NULL,
  joint INTEGER,
  joint_by TEXT NOT NULL,
  joint_confidence REAL NOT NULL,
  joint_merged INTEGER NOT NULL,
  unmatched TEXT,
  apart TEXT,
  mask INTEGER NOT NULL
);

CREATE INDEX event_tested ON event (test_event_code, seq) WHERE test_event_code IS NOT NULL;

-- By what later events find an earlier one: its id, its order, its browser.
CREATE TABLE trail (
  mark INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (mark, seq)
) WITHOUT ROWID;

CREATE TABLE series (
  dataset_id TEXT NOT NULL,
  event_name TEXT NOT NULL,
  PRIMARY KEY (dataset_id, event_name)
) WITHOUT ROWID;

-- Accounts. `keys` repeats their keys, so that one read tells all that an account is known by.
CREATE TABLE person (
  person INTEGER PRIMARY KEY,
  id TEXT UNIQUE,
  keys BLOB NOT NULL
);

CREATE TABLE person_key (
  key BLOB NOT NULL,
  person INTEGER NOT NULL,
  PRIMARY KEY (key, person)
) WITHOUT ROWID;

-- Keys that matched events of a dataset have taught.
CREATE TABLE learned_key (
  key BLOB NOT NULL,
  person INTEGER NOT NULL,
  PRIMARY KEY (key, person)
) WITHOUT ROWID;

CREATE TABLE ad (
  ad INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL,
  campaign_id TEXT NOT NULL,
  adset_id TEXT NOT NULL,
  ad_id TEXT NOT NULL,
  UNIQUE (ad_id, adset_id, campaign_id, account_id)
);

CREATE TABLE name (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;

CREATE TABLE touch (
  person INTEGER NOT NULL,
  action INTEGER NOT NULL,
  at INTEGER NOT NULL,
  ad INTEGER NOT NULL,
  PRIMARY KEY (person, action, at, ad)
) WITHOUT ROWID;

-- A click's id leads to its account, or to the click alone where it cannot be told whose it was.
CREATE TABLE click (
  key BLOB PRIMARY KEY,
  person INTEGER,
  at INTEGER NOT NULL,
  ad INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE conversion (
  seq INTEGER PRIMARY KEY,
  window TEXT NOT NULL,
  action INTEGER NOT NULL,
  touched_at INTEGER NOT NULL,
  ad INTEGER NOT NULL
);

-- The latest touch of each action: what any other attribution setting would look at.
CREATE TABLE contender (
  seq INTEGER NOT NULL,
  action INTEGER NOT NULL,
  at INTEGER NOT NULL,
  ad INTEGER NOT NULL,
  PRIMARY KEY (seq, action)
) WITHOUT ROWID;

-- What was refused, by day and reason: counted, not kept.
CREATE TABLE refused (
  day INTEGER NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,
  calls INTEGER NOT NULL,
  PRIMARY KEY (day, path, reason)
) WITHOUT ROWID;

-- Calls kept to be looked at; `box` is sealed.
CREATE TABLE call (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status INTEGER NOT NULL,
  events INTEGER NOT NULL,
  refused TEXT,
  test_event_code TEXT,
  answer TEXT NOT NULL,
  box BLOB NOT NULL
);

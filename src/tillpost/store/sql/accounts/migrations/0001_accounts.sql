-- Who may look at the dashboard, and what was done there. No password and no link rests here,
-- only what they can be checked against.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    shop TEXT,
    password TEXT NOT NULL,
    made_at REAL NOT NULL,
    seen_at REAL
) WITHOUT ROWID;

CREATE TABLE links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    label TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    made_by TEXT NOT NULL,
    made_at REAL NOT NULL,
    seen_at REAL
);

-- Each entry's hash covers the one before, so that none can be changed or taken out unseen.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    shop TEXT,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);

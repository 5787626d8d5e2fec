-- Who is signed in, so that a restart signs nobody out: by the hash of the cookie, which opens
-- nothing by itself.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    shop TEXT,
    until REAL NOT NULL
) WITHOUT ROWID;

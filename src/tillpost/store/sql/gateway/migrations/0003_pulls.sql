-- How each ad account was read last: when, with how many rows, and what went wrong, if anything.
CREATE TABLE pulls (
    shop TEXT NOT NULL,
    platform TEXT NOT NULL,
    account_id TEXT NOT NULL,
    tried_at REAL NOT NULL,
    read_at REAL,
    rows_read INTEGER NOT NULL,
    trouble TEXT,
    next_at REAL NOT NULL,
    PRIMARY KEY (shop, platform, account_id)
) WITHOUT ROWID;

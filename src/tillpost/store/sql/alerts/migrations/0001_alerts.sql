-- What was told to the owner and has not ended: each is told once, and once when it ends.
CREATE TABLE alerts (
    shop TEXT NOT NULL,
    code TEXT NOT NULL,
    began_at REAL NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (shop, code)
) WITHOUT ROWID;

-- Requests about somebody's data, and what was done. `asked` holds hashes until an erasure is
-- carried out; `answer` is a sealed box with what was stored of the person who asked.
CREATE TABLE privacy_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    source TEXT NOT NULL,
    received_at REAL NOT NULL,
    request TEXT NOT NULL,
    reference TEXT NOT NULL,
    asked BLOB,
    done_at REAL,
    counts TEXT,
    answer BLOB
);
CREATE INDEX privacy_open ON privacy_requests (id) WHERE done_at IS NULL;

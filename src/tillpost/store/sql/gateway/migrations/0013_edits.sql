-- That the lines of an order were changed in the shop. What the order is worth since then stands
-- in the order itself, once a report of it of that time or later has come.
CREATE TABLE edits (
    shop TEXT NOT NULL,
    edit_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    PRIMARY KEY (shop, edit_id)
) WITHOUT ROWID;
CREATE INDEX edits_order ON edits (shop, order_id);

-- The shop's webhooks that lead here, as its Admin API listed them last; `given` is what the API
-- takes to make it again. `gone_at` is since when one is listed no more, `made_at` when it was made
-- again, `trouble` why it could not be.
CREATE TABLE shop_webhooks (
    shop TEXT NOT NULL,
    given TEXT NOT NULL,
    topic TEXT NOT NULL,
    made_at REAL,
    gone_at REAL,
    trouble TEXT,
    PRIMARY KEY (shop, given)
) WITHOUT ROWID;

-- The gateway's truth. Money is integer minor units, times are Unix seconds, hashes are hex.
-- Columns named `sealed` hold AES-GCM boxes (client IP and user agent, bad bodies), never text.

CREATE TABLE progress (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;

-- Facts as they came, before anything is made of them; the 2xx is sent when the row is on disk.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL,
    source TEXT NOT NULL,
    received_at REAL NOT NULL,
    fact BLOB NOT NULL,
    sealed BLOB
);

CREATE TABLE bad_rows (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL,
    source TEXT NOT NULL,
    received_at REAL NOT NULL,
    reason TEXT NOT NULL,
    field TEXT NOT NULL,
    detail TEXT NOT NULL,
    sealed BLOB
);

CREATE TABLE orders (
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    version REAL NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    eligible INTEGER NOT NULL,
    reason TEXT,
    value_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    presentment_minor INTEGER NOT NULL,
    presentment_currency TEXT NOT NULL,
    checkout_token TEXT,
    customer_id TEXT,
    is_returning INTEGER,
    cancelled_at INTEGER,
    browser INTEGER NOT NULL,
    server INTEGER NOT NULL,
    first_received_at REAL NOT NULL,
    fact BLOB NOT NULL,
    sealed BLOB,
    PRIMARY KEY (shop, order_id)
) WITHOUT ROWID;
CREATE INDEX orders_at ON orders (shop, at);
CREATE INDEX orders_checkout ON orders (shop, checkout_token) WHERE checkout_token IS NOT NULL;

CREATE TABLE order_keys (
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (shop, order_id, kind, value)
) WITHOUT ROWID;

CREATE TABLE refunds (
    shop TEXT NOT NULL,
    refund_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (shop, refund_id)
) WITHOUT ROWID;

-- The browser's own Purchase: one a checkout, the first that was seen.
CREATE TABLE sightings (
    shop TEXT NOT NULL,
    token TEXT NOT NULL,
    received_at REAL NOT NULL,
    fact BLOB NOT NULL,
    sealed BLOB,
    PRIMARY KEY (shop, token)
) WITHOUT ROWID;

CREATE TABLE visitors (
    shop TEXT NOT NULL,
    visitor_id TEXT NOT NULL,
    last_seen INTEGER NOT NULL,
    last_touch TEXT,
    fbp TEXT,
    fbc TEXT,
    consent BLOB,
    PRIMARY KEY (shop, visitor_id)
) WITHOUT ROWID;

-- A visitor was seen together with a checkout token, a customer id or a hashed e-mail.
CREATE TABLE links (
    shop TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    visitor_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (shop, kind, value, visitor_id)
) WITHOUT ROWID;

-- Landings of visitors: what brought them. Never changed; `rules` is the version that classified.
CREATE TABLE touches (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL,
    visitor_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    source TEXT,
    medium TEXT,
    campaign TEXT,
    term TEXT,
    content TEXT,
    campaign_id TEXT,
    adset_id TEXT,
    ad_id TEXT,
    channel TEXT NOT NULL,
    direct INTEGER NOT NULL,
    paid INTEGER NOT NULL,
    click_kind TEXT,
    click_id TEXT,
    referrer_host TEXT,
    landing_path TEXT,
    rules INTEGER NOT NULL,
    url TEXT,
    referrer TEXT
);
CREATE UNIQUE INDEX touches_once ON touches (shop, visitor_id, at, channel, IFNULL(url, ''));

CREATE TABLE spend (
    shop TEXT NOT NULL,
    platform TEXT NOT NULL,
    account_id TEXT NOT NULL,
    day TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    campaign TEXT NOT NULL,
    adset_id TEXT NOT NULL,
    adset TEXT NOT NULL,
    ad_id TEXT NOT NULL,
    ad TEXT NOT NULL,
    currency TEXT NOT NULL,
    spend_minor INTEGER NOT NULL,
    impressions INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (shop, platform, day, account_id, campaign_id, campaign, adset_id, adset, ad_id, ad)
) WITHOUT ROWID;

-- Events to be sent, one row a conversion: `fold_key` is what makes two reports of it one.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    shop TEXT NOT NULL,
    fold_key TEXT NOT NULL,
    source TEXT NOT NULL,
    event_name TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_time INTEGER NOT NULL,
    order_id TEXT,
    received_at REAL NOT NULL,
    hold_until REAL,
    event BLOB NOT NULL,
    sealed BLOB
);
CREATE UNIQUE INDEX events_fold ON events (shop, fold_key);
CREATE INDEX events_event_id ON events (event_id);
CREATE INDEX events_order ON events (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX events_held ON events (hold_until) WHERE hold_until IS NOT NULL;

CREATE TABLE outbox (
    event INTEGER NOT NULL,
    destination TEXT NOT NULL,
    shop TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    lease_until REAL,
    fence INTEGER NOT NULL DEFAULT 0,
    updated_at REAL NOT NULL,
    PRIMARY KEY (event, destination)
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (destination, due_at) WHERE state IN ('pending', 'in_doubt', 'paused');
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE state = 'leased';
CREATE INDEX outbox_states ON outbox (shop, destination, state, reason);

-- Counted apart from the outbox, in the transaction that accepts: the ledger compares the two.
CREATE TABLE accepted (
    shop TEXT NOT NULL,
    destination TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (shop, destination)
) WITHOUT ROWID;

-- When a destination took nothing at all, why, and until when.
CREATE TABLE pauses (
    destination TEXT NOT NULL,
    began_at REAL NOT NULL,
    ended_at REAL,
    reason TEXT,
    PRIMARY KEY (destination, began_at)
) WITHOUT ROWID;

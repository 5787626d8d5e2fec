-- How the shop's own list of its orders was compared with ours last. Orders made from `since`
-- to `until` were all compared; a try that failed leaves what was found before.
CREATE TABLE shop_checks (
    shop TEXT PRIMARY KEY,
    since REAL NOT NULL,
    until REAL,
    tried_at REAL NOT NULL,
    read_at REAL,
    orders INTEGER NOT NULL,
    right_orders INTEGER NOT NULL,
    fetched INTEGER NOT NULL,
    trouble TEXT,
    next_at REAL NOT NULL
) WITHOUT ROWID;

-- Orders that the shop has and we had not, or not so, when they were compared; money in the
-- shop's currency.
CREATE TABLE shop_orders (
    shop TEXT NOT NULL,
    order_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    value_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    refunded_minor INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (shop, order_id)
) WITHOUT ROWID;

-- Those of them of which it is still true; `own_minor` is the total that we have, if any.
CREATE VIEW missing_orders AS
SELECT s.shop, s.order_id, s.name, s.at, s.value_minor, s.currency, s.why,
    o.value_minor AS own_minor
FROM shop_orders AS s LEFT JOIN orders AS o ON o.shop = s.shop AND o.order_id = s.order_id
WHERE o.order_id IS NULL
    OR (s.why = 'total_differs' AND o.value_minor <> s.value_minor AND o.currency = s.currency)
    OR (s.why = 'refund_never_came' AND s.refunded_minor > IFNULL((
        SELECT SUM(r.amount_minor) FROM refunds AS r
        WHERE r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
    ), 0));

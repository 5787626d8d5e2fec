-- The shop's own list of its orders, compared with ours.

-- name: checks
SELECT c.shop, c.since, c.until, c.tried_at, c.read_at, c.orders, c.right_orders, c.fetched,
    c.trouble, c.next_at
FROM shop_checks AS c ORDER BY c.shop;

-- name: put_check
INSERT INTO shop_checks (
    shop, since, until, tried_at, read_at, orders, right_orders, fetched, trouble, next_at
) VALUES (
    :shop, :since, :until, :tried_at, :read_at, :orders, :right_orders, :fetched, :trouble, :next_at
)
ON CONFLICT (shop) DO UPDATE
SET until = MAX(COALESCE(excluded.until, shop_checks.until), COALESCE(shop_checks.until, 0)),
    tried_at = excluded.tried_at,
    read_at = COALESCE(excluded.read_at, shop_checks.read_at),
    orders = CASE WHEN excluded.read_at IS NULL THEN shop_checks.orders ELSE excluded.orders END,
    right_orders = CASE
        WHEN excluded.read_at IS NULL THEN shop_checks.right_orders ELSE excluded.right_orders
    END,
    fetched = shop_checks.fetched + excluded.fetched,
    trouble = excluded.trouble, next_at = excluded.next_at;

-- name: first_heard
SELECT MIN(received_at) FROM journal WHERE shop = ? AND source = 'shopify';

-- name: known
SELECT o.order_id, o.value_minor, o.currency, IFNULL((
    SELECT SUM(r.amount_minor) FROM refunds AS r
    WHERE r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
), 0)
FROM orders AS o WHERE o.shop = :shop AND o.order_id IN (SELECT value FROM json_each(:orders));

-- name: settled
-- How many of these orders have a Purchase that was delivered or left out, everywhere.
SELECT COUNT(*) FROM (
    SELECT e.order_id FROM events AS e JOIN outbox AS d ON d.event = e.id
    WHERE e.shop = :shop AND e.event_name = 'Purchase'
        AND e.order_id IN (SELECT value FROM json_each(:orders))
    GROUP BY e.order_id HAVING SUM(d.state NOT IN ('delivered', 'dropped')) = 0
);

-- name: clear_orders
-- What was compared, and what is as young and was not told again: the shop deleted it.
DELETE FROM shop_orders
WHERE shop = :shop AND (at >= :since OR order_id IN (SELECT value FROM json_each(:orders)));

-- name: put_order
INSERT OR REPLACE INTO shop_orders (
    shop, order_id, name, at, value_minor, currency, refunded_minor, why
) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: listed
-- What is still missing of a shop, but for what could not be read.
SELECT s.order_id, s.name, s.at, s.value_minor, s.currency, s.refunded_minor, s.why
FROM shop_orders AS s
JOIN missing_orders AS m ON m.shop = s.shop AND m.order_id = s.order_id
WHERE s.shop = ? AND s.why <> 'unreadable' ORDER BY s.at, s.order_id;

-- name: remove_orders
DELETE FROM shop_orders
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders));

-- name: missing
SELECT shop, COUNT(*) FROM missing_orders GROUP BY shop;

-- What the dashboard's pages read of one shop; every list walks an index and ends at its limit.
-- Times are Unix seconds, from :start (included) to :stop (not included).

-- name: order_totals
-- The shop's own total of the period, by currency: eligible orders less what was given back.
SELECT o.currency, COUNT(*), SUM(o.value_minor), SUM(
    CASE WHEN o.cancelled_at IS NOT NULL THEN o.value_minor ELSE IFNULL((
        SELECT SUM(r.amount_minor) FROM refunds AS r
        WHERE r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
    ), 0) END
)
FROM orders AS o
WHERE o.shop = :shop AND o.eligible = 1 AND o.at >= :start AND o.at < :stop
GROUP BY o.currency ORDER BY o.currency;

-- name: latest_orders
-- The latest orders before (:before, :before_id), eligible or not.
SELECT order_id, name, at, kind, eligible, reason, value_minor, currency, browser, server,
    first_received_at, cancelled_at, is_returning, customer_id
FROM orders
WHERE shop = :shop AND at >= :start AND at < :stop
    AND (at < :before OR (at = :before AND order_id < :before_id))
    AND (:buyers IS NULL OR is_returning = :buyers)
ORDER BY at DESC, order_id DESC LIMIT :limit;

-- name: orders_by_id
SELECT o.order_id, o.name, o.at, o.kind, o.eligible, o.reason, o.value_minor, o.currency,
    o.browser, o.server, o.first_received_at, o.cancelled_at, o.is_returning, o.customer_id
FROM json_each(:order_ids) AS w
JOIN orders AS o ON o.shop = :shop AND o.order_id = w.value
ORDER BY o.at DESC, o.order_id DESC;

-- name: orders_named
-- Orders by their number, with or without its sign, or by their id.
SELECT order_id FROM orders
WHERE shop = :shop AND (order_id = :text OR name IN (:text, '#' || :text))
LIMIT :limit;

-- name: order_of_event
SELECT order_id FROM events
WHERE event_id = :text AND shop = :shop AND order_id IS NOT NULL LIMIT :limit;

-- name: deliveries
SELECT e.order_id, e.event_id, d.destination, d.state, d.reason, d.detail, d.attempts,
    e.received_at, d.updated_at
FROM json_each(:order_ids) AS w
JOIN events AS e ON e.order_id = w.value AND e.shop = :shop AND e.event_name = 'Purchase'
JOIN outbox AS d ON d.event = e.id
ORDER BY e.id, d.destination;

-- name: refunds
SELECT r.order_id, r.refund_id, r.at, r.amount_minor, r.currency
FROM json_each(:order_ids) AS w
JOIN refunds AS r ON r.shop = :shop AND r.order_id = w.value
ORDER BY r.at, r.refund_id;

-- name: journeys
-- The landings of everybody an order belongs to, before it: seen with one of its keys, named by
-- it, or carried by itself (`order:<id>`). What belongs to this order alone may be seen with it
-- up to five minutes later. The reports say the same (report/sql/order_visitors.sql).
WITH asked AS (
    SELECT o.order_id, o.at FROM json_each(:order_ids) AS w
    JOIN orders AS o ON o.shop = :shop AND o.order_id = w.value
),
whose AS (
    SELECT a.order_id, a.at, l.visitor_id
    FROM asked AS a
    JOIN order_keys AS k ON k.shop = :shop AND k.order_id = a.order_id
    JOIN links AS l ON l.shop = :shop AND l.kind = k.kind AND l.value = k.value
    WHERE l.at <= a.at + CASE WHEN l.kind IN ('checkout', 'order') THEN 300 ELSE 0 END
    UNION
    SELECT a.order_id, a.at, k.value
    FROM asked AS a
    JOIN order_keys AS k ON k.shop = :shop AND k.order_id = a.order_id AND k.kind = 'visitor'
    UNION
    SELECT order_id, at, 'order:' || order_id FROM asked
)
SELECT w.order_id, w.visitor_id, t.id, t.at, t.channel, t.source, t.medium, t.campaign,
    t.campaign_id, t.adset_id, t.ad_id, t.direct, t.paid, t.click_kind, t.referrer_host,
    t.landing_path
FROM whose AS w
LEFT JOIN touches AS t
    ON t.shop = :shop AND t.visitor_id = w.visitor_id AND t.at <= w.at
ORDER BY w.order_id, t.at, t.id;

-- What the dashboard's pages read of one shop; every list walks an index and ends at its limit.
-- Times are Unix seconds, from :start (included) to :stop (not included).

-- name: order_totals
-- The shop's own total of the period, by currency: eligible orders less what was given back.
WITH back AS MATERIALIZED (
    SELECT order_id, currency, SUM(amount_minor) AS minor FROM refunds
    WHERE shop = :shop GROUP BY order_id, currency
)
SELECT o.currency, COUNT(*), SUM(o.value_minor), SUM(
    CASE WHEN o.cancelled_at IS NOT NULL THEN o.value_minor ELSE IFNULL(b.minor, 0) END
)
FROM orders AS o
LEFT JOIN back AS b ON b.order_id = o.order_id AND b.currency = o.currency
WHERE o.shop = :shop AND o.eligible = 1 AND o.at >= :start AND o.at < :stop
GROUP BY o.currency ORDER BY o.currency;

-- name: latest_orders
-- The latest orders before (:before, :before_id), eligible or not.
SELECT order_id, name, at, kind, eligible, reason, value_minor, currency, browser, server,
    first_received_at, cancelled_at, is_returning, customer_id
FROM orders
WHERE shop = :shop AND at >= :start AND at < :stop
    AND (at < :before OR (at = :before AND order_id < :before_id))
ORDER BY at DESC, order_id DESC LIMIT :limit;

-- name: orders_by_id
SELECT o.order_id, o.name, o.at, o.kind, o.eligible, o.reason, o.value_minor, o.currency,
    o.browser, o.server, o.first_received_at, o.cancelled_at, o.is_returning, o.customer_id
FROM json_each(:order_ids) AS w
CROSS JOIN orders AS o ON o.shop = :shop AND o.order_id = w.value
ORDER BY o.at DESC, o.order_id DESC;

-- name: orders_named
-- Orders by their number, with or without its sign, or by their id.
SELECT order_id FROM orders WHERE shop = :shop AND order_id = :text
UNION
SELECT order_id FROM orders WHERE shop = :shop AND name IN (:text, '#' || :text)
LIMIT :limit;

-- name: order_of_event
SELECT order_id FROM events
WHERE event_id = :text AND +shop = :shop AND order_id IS NOT NULL LIMIT :limit;

-- name: refunds
SELECT r.order_id, r.refund_id, r.at, r.amount_minor, r.currency
FROM json_each(:order_ids) AS w
CROSS JOIN refunds AS r INDEXED BY refunds_order ON r.shop = :shop AND r.order_id = w.value
ORDER BY r.at, r.refund_id;

-- name: edits
SELECT d.order_id, d.at, d.added, d.removed
FROM json_each(:order_ids) AS w
CROSS JOIN edits AS d INDEXED BY edits_order ON d.shop = :shop AND d.order_id = w.value
ORDER BY d.at, d.edit_id;

-- name: journeys
-- The landings of everybody an order belongs to, before it: seen with one of its keys, named by
-- it, or carried by itself (`order:<id>`). What belongs to this order alone may be seen with it
-- up to five minutes later. The reports say the same (report/sql/order_visitors.sql).
WITH asked AS (
    SELECT o.order_id, o.at FROM json_each(:order_ids) AS w
    CROSS JOIN orders AS o ON o.shop = :shop AND o.order_id = w.value
),
whose AS (
    SELECT a.order_id, a.at, l.visitor_id
    FROM asked AS a
    CROSS JOIN order_keys AS k ON k.shop = :shop AND k.order_id = a.order_id
    CROSS JOIN links AS l ON l.shop = :shop AND l.kind = k.kind AND l.value = k.value
    WHERE l.at <= a.at + CASE WHEN l.kind IN ('checkout', 'order') THEN 300 ELSE 0 END
    UNION
    SELECT a.order_id, a.at, k.value
    FROM asked AS a
    CROSS JOIN order_keys AS k ON k.shop = :shop AND k.order_id = a.order_id AND k.kind = 'visitor'
    UNION
    SELECT order_id, at, 'order:' || order_id FROM asked
)
SELECT w.order_id, w.visitor_id, t.id, t.at, t.channel, t.source, t.medium, t.campaign,
    t.campaign_id, t.adset_id, t.ad_id, t.direct, t.paid, t.click_kind, t.referrer_host,
    t.landing_path
FROM whose AS w
LEFT JOIN touches AS t
    ON t.shop = :shop AND t.visitor_id = w.visitor_id AND t.at <= w.at AND t.dropped = 0
ORDER BY w.order_id, t.at, t.id;

-- name: lags
-- Seconds from acceptance to delivery of the latest deliveries to a destination, and when, as far
-- as the last :reach events tell.
SELECT d.updated_at - e.received_at, d.updated_at
FROM (
    SELECT event, updated_at FROM outbox
    WHERE +shop = :shop AND +destination = :destination AND +state = 'delivered'
        AND event > (SELECT IFNULL(MAX(event), 0) FROM outbox) - :reach
    ORDER BY event DESC LIMIT :limit
) AS d JOIN events AS e ON e.id = d.event
ORDER BY d.event DESC;

-- name: waiting
-- Events that still go out, by destination: how many were tried before, and the oldest's due time.
SELECT destination, COUNT(*), SUM(attempts > 0), MIN(due_at)
FROM outbox INDEXED BY outbox_due
WHERE shop = :shop AND state IN ('pending', 'in_doubt', 'paused')
GROUP BY destination;

-- name: latest_events
-- The latest events before :before, of the last :reach; `seen` tells of the order's browser side.
SELECT e.id, e.received_at, e.source, e.event_name, e.event_id, e.event_time, e.order_id, o.name,
    o.browser, (
        SELECT json_group_array(json_object(
            'destination', d.destination, 'state', d.state, 'reason', d.reason
        )) FROM outbox AS d WHERE d.event = e.id
    )
FROM events AS e
LEFT JOIN orders AS o ON o.shop = e.shop AND o.order_id = e.order_id
WHERE +e.shop = :shop AND e.id < :before
    AND e.id > MIN(:before, (SELECT MAX(id) FROM events)) - :reach
    AND (:event_name IS NULL OR e.event_name = :event_name)
ORDER BY e.id DESC LIMIT :limit;

-- name: events_named
SELECT e.id, e.received_at, e.source, e.event_name, e.event_id, e.event_time, e.order_id, o.name,
    o.browser, (
        SELECT json_group_array(json_object(
            'destination', d.destination, 'state', d.state, 'reason', d.reason
        )) FROM outbox AS d WHERE d.event = e.id
    )
FROM events AS e
LEFT JOIN orders AS o ON o.shop = e.shop AND o.order_id = e.order_id
WHERE +e.shop = :shop AND (
    e.id = CAST(:text AS INTEGER) AND CAST(:text AS INTEGER) || '' = :text
    OR e.event_id = :text OR e.order_id = :text
    OR e.order_id IN (
        SELECT order_id FROM orders WHERE shop = :shop AND name IN (:text, '#' || :text)
    )
)
ORDER BY e.id DESC LIMIT :limit;

-- name: event_names
SELECT DISTINCT event_name FROM (
    SELECT event_name FROM events
    WHERE +shop = :shop AND id > (SELECT MAX(id) FROM events) - 5000
    ORDER BY id DESC
) ORDER BY event_name;

-- name: latest_keys
-- Of each event name, the fold keys of its latest :limit events, of the last :reach of all.
SELECT fold_key FROM (
    SELECT fold_key, ROW_NUMBER() OVER (PARTITION BY event_name ORDER BY id DESC) AS place
    FROM events
    WHERE +shop = :shop AND id > (SELECT MAX(id) FROM events) - :reach
) WHERE place <= :limit;

-- name: event_key
SELECT fold_key FROM events WHERE shop = :shop AND id = :id;

-- name: received_at
SELECT received_at FROM events WHERE shop = :shop AND id = :id;

-- name: event_deliveries
SELECT d.destination, d.state, d.reason, d.detail, d.attempts, d.due_at, d.updated_at
FROM outbox AS d WHERE d.event = :id AND d.shop = :shop ORDER BY d.destination;

-- name: received
-- What the receiver settled last for these datasets, of one test code if it is named.
SELECT e.seq, e.source, e.event_name, e.event_id, e.received_at, e.twin, e.joint IS NOT NULL,
    e.joint_by, e.unmatched, e.test_event_code
FROM event AS e
WHERE e.dataset_id IN (SELECT value FROM json_each(:datasets))
    AND (:code IS NULL OR e.test_event_code = :code)
ORDER BY e.seq DESC LIMIT :limit;

-- name: orders_by_quarter
-- (Unix quarter of an hour, eligible web orders, of them seen by the browser): days of every time
-- zone are whole quarters.
SELECT at / 900, COUNT(*), SUM(browser) FROM orders
WHERE shop = :shop AND eligible = 1 AND kind = 'web' AND at >= :start AND at < :stop
GROUP BY at / 900;

-- name: spend_known
SELECT platform, currency, COUNT(*), MIN(day), MAX(day), SUM(spend_minor), SUM(impressions),
    SUM(clicks)
FROM spend WHERE shop = :shop GROUP BY platform, currency ORDER BY platform, currency;

-- name: last_heard
-- When each source last reported, as far as the last hundred thousand reports tell.
SELECT source, MAX(received_at) FROM journal
WHERE id > (SELECT IFNULL(MAX(id), 0) FROM journal) - 100000 AND shop = :shop
GROUP BY source;

-- name: last_order
SELECT MAX(at) FROM orders WHERE shop = :shop;

-- name: spend_of
SELECT IFNULL(SUM(spend_minor), 0) FROM spend
WHERE shop = :shop AND day >= :first AND day <= :last AND currency = :currency;

-- name: matches
-- Of events by their marks, whether the receiver resolved the server's side to an account.
SELECT t.mark, MAX(e.joint IS NOT NULL)
FROM json_each(:marks) AS m
JOIN trail AS t ON t.mark = m.value
JOIN event AS e ON e.seq = t.seq
WHERE e.source = 1
GROUP BY t.mark;

-- Counts for the first page. The first part reads the gateway's file, the second the receiver's.
-- Times are Unix seconds, from :start (included) to :stop (not included).

-- name: latest_orders
SELECT order_id, name, at, kind, eligible, reason, value_minor, currency, browser, server,
    first_received_at, cancelled_at
FROM orders WHERE shop = :shop AND at < :stop
ORDER BY at DESC LIMIT :limit;

-- name: first_order
SELECT MIN(at) FROM orders WHERE shop = :shop;

-- name: deliveries
SELECT e.order_id, e.event_id, d.destination, d.state, d.reason, d.detail, d.attempts,
    e.received_at, d.updated_at
FROM json_each(:order_ids) AS w
CROSS JOIN events AS e
    ON e.order_id = w.value AND +e.shop = :shop AND e.event_name = 'Purchase'
CROSS JOIN outbox AS d ON d.event = e.id
ORDER BY e.id, d.destination;

-- name: browser_only
-- Purchases that only the browser reported: no order has come for them.
SELECT COUNT(*) FROM events INDEXED BY events_unconfirmed
WHERE shop = :shop AND event_name = 'Purchase' AND source = 'pixel' AND order_id IS NULL
    AND event_time >= :start AND event_time < :stop;

-- name: ineligible
SELECT reason, COUNT(*) FROM orders
WHERE shop = :shop AND eligible = 0 AND at >= :start AND at < :stop
GROUP BY reason ORDER BY 2 DESC, 1;

-- name: native_unseen
-- Web sales that a platform was told of and no browser was seen to end.
SELECT COUNT(*) FROM orders AS o
WHERE o.shop = :shop AND o.eligible = 1 AND o.browser = 0 AND o.kind IN ('web', 'app') AND EXISTS (
    SELECT 1 FROM events AS e JOIN outbox AS d ON d.event = e.id
    WHERE e.order_id = o.order_id AND e.shop = o.shop AND e.event_name = 'Purchase'
        AND d.state = 'delivered'
);

-- name: edits_alone
-- Orders that were edited in the shop, and of which nothing of that time or later was told.
SELECT COUNT(DISTINCT d.order_id) FROM edits AS d
JOIN orders AS o ON o.shop = d.shop AND o.order_id = d.order_id AND o.version < d.at
WHERE d.shop = :shop AND d.at < :before;

-- name: delivered_orders
SELECT o.order_id FROM orders AS o
WHERE o.shop = :shop AND o.eligible = 1 AND o.at >= :start AND o.at < :stop AND EXISTS (
    SELECT 1 FROM events AS e JOIN outbox AS d ON d.event = e.id
    WHERE e.order_id = o.order_id AND e.shop = o.shop AND e.event_name = 'Purchase'
        AND d.state = 'delivered'
);

-- name: purchase_states
-- Orders of the period by the best state that their Purchase has with any destination; those
-- that only the shop's own list has are unsent too.
SELECT state, COUNT(*) FROM (
    SELECT CASE WHEN o.eligible = 0 THEN 'left_out' ELSE IFNULL((
        SELECT d.state FROM events AS e JOIN outbox AS d ON d.event = e.id
        WHERE e.order_id = o.order_id AND e.shop = o.shop AND e.event_name = 'Purchase'
        ORDER BY CASE d.state WHEN 'delivered' THEN 0 WHEN 'dropped' THEN 1 WHEN 'dead' THEN 3
            WHEN 'expired' THEN 3 ELSE 2 END
        LIMIT 1
    ), 'unsent') END AS state
    FROM orders AS o WHERE o.shop = :shop AND o.at >= :start AND o.at < :stop
    UNION ALL
    SELECT 'unsent' FROM missing_orders AS m
    WHERE m.shop = :shop AND m.own_minor IS NULL AND m.at >= :start AND m.at < :stop
) GROUP BY state;

-- name: missing
SELECT COUNT(*) FROM missing_orders WHERE shop = :shop;

-- name: last_heard
-- When each source last reported, as far as the last hundred thousand reports tell.
SELECT source, MAX(received_at) FROM journal
WHERE id > (SELECT IFNULL(MAX(id), 0) FROM journal) - 100000 AND shop = :shop
GROUP BY source;

-- name: troubles
SELECT o.destination, o.state, o.reason, COUNT(*), MAX(o.detail), MIN(o.updated_at)
FROM accepted AS a
CROSS JOIN outbox AS o
    ON o.shop = a.shop AND o.destination = a.destination AND o.state <> 'leased'
    AND o.state IN ('dead', 'paused', 'expired', 'in_doubt')
WHERE a.shop = :shop
GROUP BY o.destination, o.state, o.reason ORDER BY 4 DESC;

-- name: shared_ids
-- Events whose id was another visitor's first, by name, as far as the last ten thousand tell.
SELECT event_name, COUNT(*) FROM events
WHERE +shop = :shop AND id > (SELECT IFNULL(MAX(id), 0) FROM events) - 10000
    AND fold_key LIKE 'shared:%'
GROUP BY event_name ORDER BY 2 DESC, 1;

-- name: overdue
SELECT destination, COUNT(*), MIN(due_at) FROM outbox INDEXED BY outbox_due
WHERE shop = :shop AND state IN ('pending', 'in_doubt', 'paused') AND state = 'pending'
    AND due_at < :before
GROUP BY destination;

-- name: bad_rows
SELECT COUNT(*), MAX(id) FROM bad_rows WHERE shop = :shop;

-- name: bad_row
SELECT received_at, source, reason, field, detail FROM bad_rows WHERE id = :id;

-- name: matches
-- Orders whose server Purchase the platform resolved to an account: without learned keys, with them.
SELECT order_id, MAX(joint IS NOT NULL AND NOT joint_merged), MAX(joint IS NOT NULL) FROM event
WHERE event_name = 'Purchase' AND source = 1 AND order_id IS NOT NULL
    AND event_time >= :start AND event_time < :stop
    AND (:datasets IS NULL OR dataset_id IN (SELECT value FROM json_each(:datasets)))
GROUP BY order_id;

-- name: purchase_keys
-- The match keys of the latest Purchases, as a list of names, and whether a device is sealed.
SELECT (
    SELECT json_group_array(name) FROM (
        SELECT key AS name FROM json_each(CAST(event AS TEXT), '$.person.keys')
        UNION ALL SELECT key FROM json_each(CAST(event AS TEXT), '$.person.plain')
        UNION ALL SELECT key FROM json_each(CAST(event AS TEXT), '$.person')
            WHERE key IN ('fbc', 'fbp')
    )
), sealed IS NOT NULL
FROM events WHERE shop = :shop AND event_name = 'Purchase' ORDER BY id DESC LIMIT :limit;

-- name: doubled
-- Purchases the platform counts beyond one a sale, and how many it counts at all.
WITH named AS (
    SELECT dataset_id, event_id, MAX(order_id) AS order_id FROM event
    WHERE event_name = 'Purchase' AND event_id IS NOT NULL AND order_id IS NOT NULL
    GROUP BY dataset_id, event_id
),
kept AS (
    SELECT e.dataset_id, COALESCE(e.order_id, n.order_id, e.event_id) AS sale, COUNT(*) AS times
    FROM event AS e
    LEFT JOIN named AS n ON n.dataset_id = e.dataset_id AND n.event_id = e.event_id
    WHERE e.event_name = 'Purchase' AND e.twin IS NULL
        AND e.event_time >= :start AND e.event_time < :stop
        AND (:datasets IS NULL OR e.dataset_id IN (SELECT value FROM json_each(:datasets)))
    GROUP BY 1, 2
)
SELECT IFNULL(SUM(times - 1), 0), COUNT(*) FROM kept WHERE sale IS NOT NULL;

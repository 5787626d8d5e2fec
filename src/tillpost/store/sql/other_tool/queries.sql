-- Purchases of ours and of another tool, to be compared.

-- name: ours
-- Each Purchase of the shop with the destination that it is compared for.
SELECT e.event, e.sealed, IFNULL(o.name, ''), d.state, d.reason
FROM events AS e
JOIN outbox AS d ON d.event = e.id AND d.destination = :destination
LEFT JOIN orders AS o ON o.shop = e.shop AND o.order_id = e.order_id
WHERE e.shop = :shop AND e.event_name = 'Purchase'
    AND e.event_time >= :since AND e.event_time < :until
ORDER BY e.event_time, e.id LIMIT :limit;

-- name: theirs
SELECT * FROM event
WHERE dataset_id = :dataset AND source = 1 AND event_name = 'Purchase'
    AND event_time >= :since AND event_time < :until
ORDER BY seq LIMIT :limit;

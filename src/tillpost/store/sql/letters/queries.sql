-- What did not go through, and sending it again.

-- name: letters
SELECT d.event, d.destination, d.state, d.reason, d.detail, d.attempts, d.updated_at,
    e.shop, e.event_name, e.event_id, e.event_time, e.order_id
FROM outbox AS d INDEXED BY outbox_letters
JOIN events AS e ON e.id = d.event
WHERE (d.state IN ('dead', 'expired') OR (d.state = 'dropped' AND d.reason = 'late_twin'))
    AND d.event > :after AND (:shop IS NULL OR d.shop = :shop)
ORDER BY d.event, d.destination LIMIT :limit;

-- name: sent
-- Deliveries of events that were received in a time, in one of these states.
SELECT d.event, d.destination, d.state, d.reason, d.detail, d.attempts, d.updated_at,
    e.shop, e.event_name, e.event_id, e.event_time, e.order_id
FROM events AS e
JOIN outbox AS d ON d.event = e.id
WHERE e.received_at >= :since AND e.received_at < :until
    AND d.event > :after AND (:shop IS NULL OR d.shop = :shop)
    AND (d.state IN (SELECT value FROM json_each(:states)))
ORDER BY d.event, d.destination LIMIT :limit;

-- name: letter
SELECT d.event, d.destination, d.state, d.reason, d.detail, d.attempts, d.updated_at,
    e.shop, e.event_name, e.event_id, e.event_time, e.order_id
FROM outbox AS d JOIN events AS e ON e.id = d.event
WHERE d.event = ? ORDER BY d.destination;

-- name: events
SELECT e.id, e.event, e.sealed FROM json_each(?) AS w JOIN events AS e ON e.id = w.value;

-- name: payloads
SELECT p.event, p.destination, p.sealed
FROM json_each(?) AS w JOIN payloads AS p ON p.event = w.value;

-- name: requeue
-- [[event, destination, state it was seen in], ...]: what has moved since then is left alone.
UPDATE outbox
SET state = 'pending', reason = :reason, detail = NULL, due_at = :now, updated_at = :now
FROM json_each(:rows) AS w
WHERE outbox.event = w.value ->> 0 AND outbox.destination = w.value ->> 1
    AND outbox.state = w.value ->> 2;

-- name: forget_payloads
-- What goes again is built under today's rules.
DELETE FROM payloads WHERE (event, destination) IN (
    SELECT w.value ->> 0, w.value ->> 1 FROM json_each(:rows) AS w
);

-- Finding, telling and forgetting one person's rows. Lists come as JSON arrays.
-- Needles are texts that kept JSON is searched for; nothing else says that a row is somebody's.

-- name: open_requests
SELECT id, shop, source, received_at, asked, reference FROM privacy_requests
WHERE done_at IS NULL ORDER BY id LIMIT ?;

-- name: requests
SELECT id, shop, source, request, reference, received_at, done_at, counts,
    answer IS NOT NULL AS answered
FROM privacy_requests WHERE id > ? ORDER BY id LIMIT ?;

-- name: request
SELECT id, shop, source, request, reference, received_at, done_at, counts, answer
FROM privacy_requests WHERE id = ?;

-- name: close_request
UPDATE privacy_requests SET done_at = ?2, counts = ?3, answer = ?4, asked = NULL WHERE id = ?1;

-- name: prune_answers
UPDATE privacy_requests SET answer = NULL WHERE answer IS NOT NULL AND done_at < ?;

-- name: orders_named
SELECT order_id FROM orders
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders))
UNION
SELECT order_id FROM orders
WHERE shop = :shop AND customer_id IN (SELECT value FROM json_each(:customers))
UNION
SELECT o.order_id FROM orders AS o
JOIN json_each(:needles) AS n ON instr(o.fact, CAST(n.value AS BLOB)) > 0
WHERE o.shop = :shop
UNION
SELECT order_id FROM order_keys
WHERE shop = :shop AND kind IN ('em', 'ph') AND value IN (SELECT value FROM json_each(:needles));

-- name: orders
SELECT o.*, (
    SELECT json_group_array(json_array(k.kind, k.value)) FROM order_keys AS k
    WHERE k.shop = o.shop AND k.order_id = o.order_id
) AS keys
FROM orders AS o
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders)) ORDER BY order_id;

-- name: visitors_named
SELECT DISTINCT l.visitor_id FROM json_each(:names) AS n
JOIN links AS l ON l.shop = :shop AND l.kind = n.value ->> 0 AND l.value = n.value ->> 1;

-- name: visitors
SELECT visitor_id, last_seen, fbp, fbc, consent FROM visitors
WHERE shop = :shop AND visitor_id IN (SELECT value FROM json_each(:visitors)) ORDER BY visitor_id;

-- name: events
SELECT id, shop, event, sealed, order_id, event_name, event_id, event_time FROM events
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders))
UNION
SELECT id, shop, event, sealed, order_id, event_name, event_id, event_time FROM events
WHERE shop = :shop AND visitor_id IN (SELECT value FROM json_each(:visitors))
UNION
SELECT e.id, e.shop, e.event, e.sealed, e.order_id, e.event_name, e.event_id, e.event_time
FROM events AS e
JOIN json_each(:needles) AS n
    ON instr(e.event, CAST(n.value AS BLOB)) > 0 OR instr(e.fold_key, n.value) > 0
    OR instr(e.event_id, n.value) > 0
WHERE e.shop = :shop
ORDER BY 1;

-- name: delivered
SELECT COUNT(DISTINCT event) FROM outbox
WHERE state = 'delivered' AND event IN (SELECT value FROM json_each(?));

-- name: outcomes
SELECT event, destination, state, reason FROM outbox
WHERE event IN (SELECT value FROM json_each(:events)) ORDER BY event, destination;

-- name: sightings
SELECT s.token, s.fact, s.sealed FROM sightings AS s
JOIN json_each(:needles) AS n
    ON instr(s.fact, CAST(n.value AS BLOB)) > 0 OR instr(s.token, n.value) > 0
    OR s.token = trim(n.value, '"')
WHERE s.shop = :shop GROUP BY s.token;

-- name: journal
SELECT DISTINCT j.id FROM journal AS j
JOIN json_each(:needles) AS n ON instr(j.fact, CAST(n.value AS BLOB)) > 0
WHERE j.shop = :shop
    AND j.id <= IFNULL((SELECT position FROM progress WHERE name = 'fold'), 0);

-- name: bad_rows
SELECT id, sealed, reason = 'unreadable' FROM bad_rows WHERE shop = :shop AND sealed IS NOT NULL;

-- name: all_orders
SELECT order_id, fact FROM orders WHERE shop = ?;

-- name: all_events
SELECT id, event FROM events WHERE shop = ? AND event <> x'';

-- name: all_sightings
SELECT token, fact FROM sightings WHERE shop = ?;

-- name: all_journal
SELECT id, fact FROM journal WHERE shop = ? AND fact <> x''
    AND id <= IFNULL((SELECT position FROM progress WHERE name = 'fold'), 0);

-- name: boxes
SELECT 'order', order_id, sealed FROM orders
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders)) AND sealed IS NOT NULL
UNION ALL
SELECT 'event', id, sealed FROM events
WHERE id IN (SELECT value FROM json_each(:events)) AND sealed IS NOT NULL;

-- name: nobodys_orders
SELECT o.order_id FROM orders AS o
WHERE o.shop = :shop AND o.order_id IN (SELECT value FROM json_each(:rows))
    AND o.customer_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM order_keys AS k
        WHERE k.shop = o.shop AND k.order_id = o.order_id AND k.kind IN ('em', 'ph', 'customer')
    );

-- name: nobodys_events
SELECT id FROM events
WHERE shop = :shop AND id IN (SELECT value FROM json_each(:rows))
    AND order_id IS NULL AND visitor_id IS NULL;

-- name: nobodys_sightings
SELECT s.token FROM sightings AS s
WHERE s.shop = :shop AND s.token IN (SELECT value FROM json_each(:rows)) AND NOT EXISTS (
    SELECT 1 FROM orders AS o WHERE o.shop = s.shop AND o.checkout_token = s.token
);

-- name: nobodys_journal
SELECT id FROM journal WHERE shop = :shop AND id IN (SELECT value FROM json_each(:rows));

-- name: refunds
SELECT refund_id, order_id, at, amount_minor, currency FROM refunds
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders)) ORDER BY at, refund_id;

-- name: edits
SELECT edit_id, order_id, at, added, removed FROM edits
WHERE shop = :shop AND order_id IN (SELECT value FROM json_each(:orders)) ORDER BY at, edit_id;

-- name: touches
SELECT visitor_id, at, source, medium, campaign, term, content, channel, click_kind, click_id, url,
    referrer
FROM touches
WHERE shop = :shop AND visitor_id IN (SELECT value FROM json_each(:visitors)) ORDER BY at;

-- name: keep_order_links
-- What brought an order stays known after its person is not: by the order alone.
INSERT INTO links (shop, kind, value, visitor_id, at)
SELECT o.shop, 'order', o.order_id, l.visitor_id, MIN(l.at)
FROM orders AS o
JOIN order_keys AS k ON k.shop = o.shop AND k.order_id = o.order_id
JOIN links AS l ON l.shop = k.shop AND l.kind = k.kind AND l.value = k.value AND l.at <= o.at
WHERE o.shop = :shop AND o.order_id IN (SELECT value FROM json_each(:orders))
GROUP BY o.order_id, l.visitor_id
ON CONFLICT (shop, kind, value, visitor_id) DO UPDATE SET at = MIN(at, excluded.at);

-- name: forget_links
DELETE FROM links WHERE shop = :shop AND (kind, value) IN (
    SELECT value ->> 0, value ->> 1 FROM json_each(:names) WHERE value ->> 0 <> 'order'
);

-- name: rename_links
UPDATE OR IGNORE links SET visitor_id = :pseudonym WHERE shop = :shop AND visitor_id = :visitor;

-- name: rename_touches
UPDATE OR IGNORE touches
SET visitor_id = :pseudonym, click_id = NULL, url = NULL, referrer = NULL
WHERE shop = :shop AND visitor_id = :visitor;

-- name: forget_visitor_links
DELETE FROM links WHERE shop = :shop AND visitor_id = :visitor;

-- name: forget_visitor_touches
DELETE FROM touches WHERE shop = :shop AND visitor_id = :visitor;

-- name: forget_visitor
DELETE FROM visitors WHERE shop = :shop AND visitor_id = :visitor;

-- name: forget_order_keys
DELETE FROM order_keys WHERE shop = :shop AND kind <> 'order'
    AND order_id IN (SELECT value FROM json_each(:orders));

-- name: forget_order
UPDATE orders
SET fact = :fact, sealed = NULL, checkout_token = NULL, customer_id = :customer
WHERE shop = :shop AND order_id = :order;

-- name: blank_order
UPDATE orders SET fact = :fact, sealed = NULL WHERE shop = :shop AND order_id = :order;

-- name: blank_events
-- It can never be sent, and its sender ends it so.
UPDATE events SET event = x'', sealed = NULL WHERE id IN (SELECT value FROM json_each(?));

-- name: forget_event
-- A sale is found by its order from now on, so that a repeated webhook makes no second one.
UPDATE events
SET event = :event, sealed = NULL, hold_until = NULL, event_id = :event_id, visitor_id = NULL,
    fold_key = CASE
        WHEN order_id IS NOT NULL AND (fold_key LIKE 'sale:%' OR fold_key LIKE 'order:%')
        THEN 'order:' || order_id ELSE :event_id END
WHERE id = :number;

-- name: amend_event
UPDATE events SET event = :event WHERE id = :number;

-- name: stop_deliveries
UPDATE outbox
SET state = 'dropped', reason = :reason, detail = NULL, fence = fence + 1, lease_until = NULL,
    updated_at = :now
WHERE event IN (SELECT value FROM json_each(:events))
    AND state IN ('held', 'pending', 'leased', 'in_doubt', 'paused');

-- name: stop_shop
UPDATE outbox
SET state = 'dropped', reason = :reason, detail = NULL, fence = fence + 1, lease_until = NULL,
    updated_at = :now
WHERE shop = :shop AND state IN ('held', 'pending', 'leased', 'in_doubt', 'paused');

-- name: end_holds
UPDATE events SET hold_until = NULL WHERE shop = :shop AND hold_until IS NOT NULL;

-- name: forget_sighting
DELETE FROM sightings WHERE shop = :shop AND token = :token;

-- name: forget_journal
-- The row stays, for positions count rows; what it told does not.
UPDATE journal SET fact = x'', sealed = NULL WHERE id IN (SELECT value FROM json_each(:journal));

-- name: forget_bad_row
UPDATE bad_rows SET sealed = NULL WHERE id = ?;

-- name: shop_tables
SELECT m.name FROM sqlite_schema AS m
JOIN pragma_table_info(m.name) AS c ON c.name = 'shop'
WHERE m.type = 'table' AND m.name NOT IN ('privacy_requests', 'journal');

-- name: forget_shop_journal
UPDATE journal SET fact = x'', sealed = NULL WHERE shop = ?
    AND id <= IFNULL((SELECT position FROM progress WHERE name = 'fold'), 0);

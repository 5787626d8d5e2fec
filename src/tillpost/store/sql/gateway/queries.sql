-- name: append_journal
INSERT INTO journal (shop, source, received_at, fact, sealed) VALUES (?, ?, ?, ?, ?);

-- name: keep_bad
INSERT INTO bad_rows (shop, source, received_at, reason, field, detail, sealed, headers)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: unfolded
SELECT id, shop, source, received_at, fact, sealed FROM journal
WHERE id > IFNULL((SELECT position FROM progress WHERE name = 'fold'), 0)
ORDER BY id LIMIT ?;

-- name: set_progress
INSERT INTO progress (name, position) VALUES ('fold', ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position;

-- name: recall_checkouts
-- The first visitor seen with each checkout token.
SELECT l.shop, l.value, l.visitor_id, MIN(l.at)
FROM json_each(?) AS w
JOIN links AS l ON l.shop = w.value ->> 0 AND l.kind = 'checkout' AND l.value = w.value ->> 1
GROUP BY l.shop, l.value;

-- name: recall_tokens
-- The order of each checkout, and of each other id under which a sale is told.
SELECT o.shop, o.checkout_token, o.order_id
FROM json_each(?1) AS w
JOIN orders AS o ON o.shop = w.value ->> 0 AND o.checkout_token = w.value ->> 1
UNION ALL
SELECT o.shop, w.value ->> 1, o.order_id
FROM json_each(?1) AS w
JOIN orders AS o ON o.shop = w.value ->> 0 AND o.also = substr(w.value ->> 1, 6)
WHERE w.value ->> 1 LIKE 'also:%';

-- name: recall_orders
SELECT o.shop, o.order_id, o.first_received_at, o.eligible, o.reason, o.browser, o.fact, o.sealed
FROM json_each(?) AS w
JOIN orders AS o ON o.shop = w.value ->> 0 AND o.order_id = w.value ->> 1;

-- name: recall_sightings
SELECT s.shop, s.token, s.received_at, s.fact, s.sealed
FROM json_each(?) AS w
JOIN sightings AS s ON s.shop = w.value ->> 0 AND s.token = w.value ->> 1;

-- name: recall_visitors
SELECT v.shop, v.visitor_id, v.last_seen, v.last_touch, v.fbp, v.fbc, v.consent
FROM json_each(?) AS w
JOIN visitors AS v ON v.shop = w.value ->> 0 AND v.visitor_id = w.value ->> 1;

-- name: recall_events
SELECT e.id, e.fold_key, e.source, e.received_at, e.order_id, e.hold_until, e.event, e.sealed,
    e.visitor_id
FROM json_each(?) AS w
JOIN events AS e ON e.shop = w.value ->> 0 AND e.fold_key = w.value ->> 1;

-- name: recall_order_events
SELECT e.id, e.fold_key, e.source, e.received_at, e.order_id, e.hold_until, e.event, e.sealed,
    e.visitor_id
FROM json_each(?) AS w
JOIN events AS e ON e.order_id = w.value ->> 1 AND e.shop = w.value ->> 0;

-- name: recall_waiting
SELECT e.id, e.fold_key, e.source, e.received_at, e.order_id, e.hold_until, e.event, e.sealed,
    e.visitor_id
FROM json_each(?) AS w
JOIN events AS e ON e.shop = w.value ->> 0 AND e.visitor_id = w.value ->> 1
WHERE e.hold_until IS NOT NULL;

-- name: recall_visitor_orders
-- The latest order of each visitor, by the name that a sale without a checkout has.
SELECT l.shop, 'visitor:' || l.visitor_id, l.value, MAX(l.at)
FROM json_each(?) AS w
JOIN links AS l ON l.shop = w.value ->> 0 AND l.kind = 'order'
    AND l.visitor_id = substr(w.value ->> 1, 9) AND w.value ->> 1 LIKE 'visitor:%'
GROUP BY l.shop, l.visitor_id;

-- name: recall_deliveries
SELECT d.event, d.destination, d.shop, d.state, d.due_at, d.reason, d.detail, d.attempts, d.fence,
    d.deadline
FROM json_each(?) AS w
JOIN outbox AS d ON d.event = w.value;

-- name: next_event
SELECT IFNULL(MAX(id), 0) + 1 FROM events;

-- name: held
SELECT id, fold_key, source, received_at, order_id, hold_until, event, sealed, visitor_id
FROM events
WHERE hold_until IS NOT NULL AND hold_until <= ? ORDER BY hold_until, id LIMIT ?;

-- name: let_go
UPDATE outbox SET state = 'pending', reason = 'unreadable', due_at = ?1, updated_at = ?1
WHERE state = 'held' AND event IN (SELECT value FROM json_each(?2));

-- name: end_hold
UPDATE events SET hold_until = NULL WHERE id IN (SELECT value FROM json_each(?));

-- name: next_hold
SELECT MIN(hold_until) FROM events WHERE hold_until IS NOT NULL;

-- name: put_order
INSERT OR REPLACE INTO orders (
    shop, order_id, version, name, at, kind, eligible, reason, value_minor, currency,
    presentment_minor, presentment_currency, checkout_token, customer_id, is_returning,
    cancelled_at, browser, server, first_received_at, subtotal_minor, tax_minor, shipping_minor,
    also, fact, sealed
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?);

-- name: put_privacy
INSERT INTO privacy_requests (shop, source, received_at, request, reference, asked)
VALUES (?, ?, ?, ?, ?, ?);

-- name: put_order_key
INSERT OR IGNORE INTO order_keys (shop, order_id, kind, value) VALUES (?, ?, ?, ?);

-- name: put_refund
-- Some senders date a refund by the order's last change: the first date is the nearest to it.
INSERT INTO refunds (shop, refund_id, order_id, at, amount_minor, currency)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (shop, refund_id) DO UPDATE SET order_id = excluded.order_id,
    at = MIN(at, excluded.at), amount_minor = excluded.amount_minor, currency = excluded.currency;

-- name: put_edit
INSERT OR IGNORE INTO edits (shop, edit_id, order_id, at, added, removed)
VALUES (?, ?, ?, ?, ?, ?);

-- name: put_sighting
INSERT OR REPLACE INTO sightings (shop, token, received_at, fact, sealed) VALUES (?, ?, ?, ?, ?);

-- name: put_visitor
INSERT OR REPLACE INTO visitors (shop, visitor_id, last_seen, last_touch, fbp, fbc, consent)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: put_link
INSERT INTO links (shop, kind, value, visitor_id, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (shop, kind, value, visitor_id) DO UPDATE SET at = MIN(at, excluded.at);

-- name: put_touch
INSERT OR IGNORE INTO touches (
    shop, visitor_id, at, source, medium, campaign, term, content, campaign_id, adset_id, ad_id,
    channel, direct, paid, click_kind, click_id, referrer_host, landing_path, rules, url, referrer,
    flags
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_slip
INSERT INTO slips (shop, day, source, medium, campaign, landing_path, times)
VALUES (?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (shop, day, source, medium, campaign, landing_path) DO UPDATE SET times = times + 1;

-- name: put_event
INSERT OR REPLACE INTO events (
    id, shop, fold_key, source, event_name, event_id, event_time, order_id, received_at,
    hold_until, event, sealed, visitor_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_delivery
-- Folding never takes an event out of a sender's hands.
INSERT INTO outbox (event, destination, shop, state, reason, detail, due_at, deadline, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (event, destination) DO UPDATE
SET state = excluded.state, reason = excluded.reason, detail = excluded.detail,
    due_at = excluded.due_at, deadline = excluded.deadline, updated_at = excluded.updated_at
WHERE outbox.state IN ('held', 'dropped');

-- name: add_accepted
INSERT INTO accepted (shop, destination, events) VALUES (?, ?, ?)
ON CONFLICT (shop, destination) DO UPDATE SET events = events + excluded.events;

-- name: lease_expired
UPDATE outbox
SET state = 'in_doubt', reason = 'lease_expired', due_at = ?1, lease_until = NULL, updated_at = ?1
WHERE state = 'leased' AND lease_until <= ?1;

-- name: due
-- The numbers of those to be leased, as one JSON list. ?4 places are for what became due since
-- ?5 and was never tried; the nearest deadlines have all others.
WITH fresh AS MATERIALIZED (
    SELECT event FROM outbox
    WHERE destination = ?1 AND state IN ('pending', 'in_doubt', 'paused')
        AND due_at BETWEEN ?5 AND ?2 AND attempts = 0
    ORDER BY due_at, event LIMIT ?4
),
urgent AS MATERIALIZED (
    SELECT event FROM outbox INDEXED BY outbox_urgent
    WHERE destination = ?1 AND state IN ('pending', 'in_doubt', 'paused') AND due_at <= ?2
        AND event NOT IN (SELECT event FROM fresh)
    ORDER BY deadline, event LIMIT ?3 - (SELECT COUNT(*) FROM fresh)
)
SELECT json_group_array(event) FROM (SELECT event FROM fresh UNION ALL SELECT event FROM urgent);

-- name: lease
UPDATE outbox SET state = 'leased', lease_until = ?3, fence = fence + 1, updated_at = ?2
WHERE destination = ?1 AND event IN (SELECT value FROM json_each(?4));

-- name: leased
SELECT d.event, d.shop, d.due_at, d.reason, d.detail, d.attempts, d.fence, d.deadline
FROM json_each(?2) AS w JOIN outbox AS d ON d.event = w.value AND d.destination = ?1
WHERE d.state = 'leased' AND d.lease_until = ?3
ORDER BY d.due_at, d.event;

-- name: leased_payloads
SELECT p.event, p.sealed FROM json_each(?2) AS w
JOIN payloads AS p ON p.event = w.value AND p.destination = ?1;

-- name: leased_events
SELECT e.event, e.sealed FROM json_each(?) AS w JOIN events AS e ON e.id = w.value
ORDER BY w.id;

-- name: settle
-- Events of one destination that became the same: ?8 is {event: fence, ...}.
UPDATE outbox
SET state = ?1, reason = ?2, detail = ?3, due_at = ?4, attempts = attempts + ?5,
    lease_until = NULL, updated_at = ?6
FROM json_each(?8) AS w
WHERE outbox.event = CAST(w.key AS INTEGER) AND outbox.destination = ?7
    AND outbox.state = 'leased' AND outbox.fence = w.value;

-- name: keep_payload
INSERT OR IGNORE INTO payloads (event, destination, sealed) VALUES (?, ?, ?);

-- name: hurry
UPDATE outbox SET due_at = ?2
WHERE destination = ?1 AND state IN ('pending', 'in_doubt', 'paused') AND due_at > ?2;

-- name: oldest
-- One step down an index for each line: a scrape must not walk a backlog.
SELECT shop, destination, received_at FROM (
    SELECT a.shop, a.destination, (
        SELECT e.received_at FROM outbox AS d INDEXED BY outbox_urgent
        JOIN events AS e ON e.id = d.event
        WHERE d.destination = a.destination AND d.state IN ('pending', 'in_doubt', 'paused')
        ORDER BY d.deadline, d.event LIMIT 1
    ) AS received_at
    FROM accepted AS a
)
WHERE received_at IS NOT NULL ORDER BY shop, destination;

-- name: expiring
-- What can no longer be sent after :deadline, and was tried already or due before :due.
SELECT d.shop, d.destination, COUNT(*), MIN(d.deadline)
FROM accepted AS a
JOIN outbox AS d INDEXED BY outbox_urgent ON d.destination = a.destination AND d.shop = a.shop
WHERE d.state IN ('pending', 'in_doubt', 'paused') AND d.deadline <= :deadline
    AND (d.attempts > 0 OR d.due_at < :due)
GROUP BY d.shop, d.destination;

-- name: transitions
SELECT destination, at, state, reason, detail FROM transitions WHERE event = ? ORDER BY id;

-- name: next_due
SELECT MIN(due_at) FROM outbox
WHERE destination = ? AND state IN ('pending', 'in_doubt', 'paused');

-- name: free
UPDATE outbox SET state = 'in_doubt', reason = 'restart', lease_until = NULL, updated_at = ?
WHERE state = 'leased';

-- name: tallies
SELECT shop, destination, 'accepted', NULL, events FROM accepted
UNION ALL
SELECT shop, destination, state, reason, COUNT(*) FROM outbox WHERE state <> 'leased'
GROUP BY shop, destination, state, reason
UNION ALL
SELECT shop, destination, state, reason, COUNT(*) FROM outbox WHERE state = 'leased'
GROUP BY shop, destination, state, reason
ORDER BY 1, 2, 3, 4;

-- name: event_items
SELECT e.id, e.received_at, e.source, e.shop, e.event_name, e.event_id, e.event_time, e.order_id,
    (
        SELECT json_group_array(json_object(
            'destination', d.destination, 'state', d.state, 'reason', d.reason,
            'attempts', d.attempts, 'detail', d.detail
        )) FROM outbox AS d WHERE d.event = e.id
    ) AS outcomes
FROM events AS e
WHERE e.id > :after
    AND (:event_id IS NULL OR e.event_id = :event_id)
    AND (:order_id IS NULL OR e.order_id = :order_id)
ORDER BY e.id LIMIT :limit;

-- name: bad_rows
SELECT id, shop, source, received_at, reason, field, detail FROM bad_rows
WHERE id > ? ORDER BY id LIMIT ?;

-- name: clear_spend
-- What a row stands for: the same ad, ad set or campaign of that day under any name, and the
-- same campaign and day told at another level. `core.spend.replaces` says the same of one pair.
DELETE FROM spend
WHERE shop = :shop AND platform = :platform AND day = :day AND account_id = :account_id
    AND CASE WHEN campaign_id <> '' AND :campaign_id <> ''
        THEN campaign_id = :campaign_id ELSE campaign = :campaign END
    AND (
        CASE WHEN ad_id || ad <> '' THEN 3 WHEN adset_id || adset <> '' THEN 2 ELSE 1 END
        <> CASE WHEN :ad_id || :ad <> '' THEN 3 WHEN :adset_id || :adset <> '' THEN 2 ELSE 1 END
        OR (
            CASE WHEN adset_id <> '' AND :adset_id <> ''
                THEN adset_id = :adset_id ELSE adset = :adset END
            AND CASE WHEN ad_id <> '' AND :ad_id <> '' THEN ad_id = :ad_id ELSE ad = :ad END
        )
    );

-- name: put_spend
INSERT OR REPLACE INTO spend (
    shop, platform, account_id, day, campaign_id, campaign, adset_id, adset, ad_id, ad,
    currency, spend_minor, impressions, clicks, claims_micro, claims_minor
) VALUES (
    :shop, :platform, :account_id, :day, :campaign_id, :campaign, :adset_id, :adset, :ad_id, :ad,
    :currency, :spend_minor, :impressions, :clicks, :claims_micro, :claims_minor
);

-- name: put_rate
INSERT OR REPLACE INTO rates (day, currency, quote, rate) VALUES (?, ?, ?, ?);

-- name: table_orders
SELECT o.shop, o.order_id, o.name, o.at, o.kind, o.eligible, o.reason, o.value_minor, o.currency,
    o.checkout_token, o.customer_id, o.is_returning AS "returning", o.cancelled_at,
    IFNULL((
        SELECT SUM(r.amount_minor) FROM refunds AS r
        WHERE r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
    ), 0) AS refunded_minor,
    o.browser, o.server, o.presentment_minor, o.presentment_currency, o.subtotal_minor,
    o.tax_minor, o.shipping_minor
FROM orders AS o;

-- name: table_order_keys
SELECT shop, order_id, kind, value FROM order_keys;

-- name: table_links
SELECT shop, kind, value, visitor_id, at FROM links;

-- name: table_touches
SELECT id, shop, visitor_id, at, source, medium, campaign, term, content, campaign_id, adset_id,
    ad_id, channel, direct, paid, click_kind, click_id, referrer_host, landing_path, rules
FROM touches WHERE dropped = 0;

-- name: table_deliveries
-- Where the Purchase of each order stands with each destination; of several the latest.
SELECT e.shop, e.order_id, d.destination, d.state, d.reason
FROM events AS e JOIN outbox AS d ON d.event = e.id
WHERE e.order_id IS NOT NULL AND e.event_name = 'Purchase' AND NOT EXISTS (
    SELECT 1 FROM events AS n JOIN outbox AS m ON m.event = n.id AND m.destination = d.destination
    WHERE n.order_id = e.order_id AND n.id > e.id AND n.shop = e.shop AND n.event_name = 'Purchase'
);

-- name: table_shop_journeys
-- What the shop system itself says led to its orders: the last visit, where it told one. A row
-- that the disk has damaged says nothing.
SELECT shop, order_id,
    COALESCE(told ->> '$.last.utm_source', told ->> '$.last.source') AS source,
    told ->> '$.last.utm_medium' AS medium, told ->> '$.last.utm_campaign' AS campaign,
    told ->> '$.visits' AS visits
FROM (
    SELECT shop, order_id, CASE
            WHEN json_valid(CAST(fact AS TEXT)) THEN json_extract(CAST(fact AS TEXT), '$.journey')
        END AS told
    FROM orders WHERE instr(fact, CAST('"journey":' AS BLOB)) > 0
)
WHERE told IS NOT NULL;

-- name: table_shop_orders
SELECT shop, order_id, name, at, value_minor, currency, why, own_minor FROM missing_orders;

-- name: table_shop_checks
SELECT shop, since, until FROM shop_checks WHERE until IS NOT NULL;

-- name: put_product_cost
INSERT OR REPLACE INTO product_costs (shop, product, cost_minor, currency)
VALUES (:shop, :product, :cost_minor, :currency);

-- name: table_order_costs
-- What the goods of each order cost, and of how many lines nothing says so. A line is known by
-- its SKU, else its variant, else its product.
WITH lines AS (
    SELECT o.shop, o.order_id, IFNULL(i.value ->> '$.quantity', 1) AS quantity,
        COALESCE(
            (SELECT product FROM product_costs WHERE shop = o.shop AND product = i.value ->> '$.sku'),
            (
                SELECT product FROM product_costs
                WHERE shop = o.shop AND product = i.value ->> '$.variant_id'
            ),
            (
                SELECT product FROM product_costs
                WHERE shop = o.shop AND product = i.value ->> '$.product_id'
            )
        ) AS product
    FROM orders AS o, json_each(
        CASE WHEN json_valid(CAST(o.fact AS TEXT)) THEN CAST(o.fact AS TEXT) END, '$.items'
    ) AS i
    WHERE EXISTS (SELECT 1 FROM product_costs)
)
SELECT l.shop, l.order_id, MIN(c.currency) AS currency,
    SUM(l.quantity * c.cost_minor) AS goods_minor,
    SUM(c.product IS NULL) + (MIN(c.currency) <> MAX(c.currency)) AS pieces_unknown
FROM lines AS l
LEFT JOIN product_costs AS c ON c.shop = l.shop AND c.product = l.product
GROUP BY l.shop, l.order_id
HAVING COUNT(c.product) > 0;

-- name: table_tag_faults
-- What is wrong with the tags of landings, and of links inside the shop, by day.
SELECT shop, strftime('%Y-%m-%d', at, 'unixepoch') AS day, source, medium, campaign, channel,
    click_kind, flags, MIN(landing_path) AS landing_path, COUNT(*) AS times
FROM touches
WHERE flags <> '' AND dropped = 0
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
UNION ALL
SELECT shop, day, source, medium, campaign, NULL, NULL, 'internal_utm', landing_path, times
FROM slips;

-- name: table_edits
SELECT shop, edit_id, order_id, at, added, removed FROM edits;

-- name: table_refunds
SELECT shop, refund_id, order_id, at, amount_minor, currency FROM refunds;

-- name: table_spend
SELECT shop, platform, account_id, day, campaign_id, campaign, adset_id, adset, ad_id, ad,
    currency, spend_minor, impressions, clicks, claims_micro, claims_minor
FROM spend;

-- name: table_rates
SELECT day, currency, quote, rate FROM rates;

-- name: begin_pause
INSERT INTO pauses (destination, began_at, reason)
SELECT ?1, ?2, ?3
WHERE NOT EXISTS (SELECT 1 FROM pauses WHERE destination = ?1 AND ended_at IS NULL);

-- name: end_pause
UPDATE pauses SET ended_at = ?2 WHERE destination = ?1 AND ended_at IS NULL;

-- name: pauses
SELECT destination, began_at, ended_at, reason FROM pauses ORDER BY began_at, destination;

-- name: prune_bad_rows
DELETE FROM bad_rows WHERE received_at < ?;

-- name: prune_journal
-- The last row stays: numbers go on from the highest there is, and must never fall behind.
DELETE FROM journal WHERE received_at < ?
    AND id < (SELECT position FROM progress WHERE name = 'fold');

-- name: prune_events
-- Addresses and user agents rest seven days after the last destination has settled.
UPDATE events SET sealed = NULL
WHERE sealed IS NOT NULL AND hold_until IS NULL AND received_at < ?1
    AND NOT EXISTS (
        SELECT 1 FROM outbox AS d
        WHERE d.event = events.id AND (
            d.state IN ('held', 'pending', 'leased', 'in_doubt', 'paused') OR d.updated_at >= ?1
        )
    );

-- name: prune_payloads
DELETE FROM payloads WHERE EXISTS (
    SELECT 1 FROM outbox AS d
    WHERE d.event = payloads.event AND d.destination = payloads.destination
        AND d.state IN ('delivered', 'dead', 'expired', 'dropped') AND d.updated_at < ?
);

-- name: prune_orders
UPDATE orders SET sealed = NULL WHERE sealed IS NOT NULL AND first_received_at < ?;

-- name: prune_sightings
UPDATE sightings SET sealed = NULL WHERE sealed IS NOT NULL AND received_at < ?;

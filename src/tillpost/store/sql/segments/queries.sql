-- The manifest of segments, and the facts that have changed since.

-- name: manifest
SELECT number, kind, file FROM segments ORDER BY number, kind;

-- name: facts
SELECT IFNULL(SUM(facts), 0) FROM segments;

-- name: state
-- How far the log of changes reaches, how long it is, the last touch, and the last in segments.
SELECT IFNULL(MAX(seq), 0), IFNULL(MAX(seq) - MIN(seq) + 1, 0),
    IFNULL((SELECT MAX(id) FROM touches), 0),
    IFNULL((SELECT position FROM progress WHERE name = 'segments'), 0)
FROM fresh;

-- name: lost
-- Whether something that changed is not there any more, as a file beside older ones cannot say.
SELECT EXISTS (
    SELECT 1 FROM fresh AS f WHERE CASE f.grain
        WHEN 'touch' THEN NOT EXISTS (
            SELECT 1 FROM touches AS t WHERE t.id = CAST(f.a AS INTEGER) AND t.dropped = 0
        )
        WHEN 'link' THEN NOT EXISTS (
            SELECT 1 FROM links AS l WHERE l.shop = f.shop AND l.kind = f.a AND l.value = f.b
        )
        ELSE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.shop = f.shop AND o.order_id = f.a)
    END
);

-- name: stale
SELECT DISTINCT grain, shop, a, b FROM fresh;

-- name: add_segment
INSERT INTO segments (number, kind, file, facts) VALUES (?, ?, ?, ?);

-- name: drop_segments
DELETE FROM segments;

-- name: trim
DELETE FROM fresh WHERE seq <= ?;

-- name: reach
INSERT INTO progress (name, position) VALUES ('segments', ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position;

-- name: fresh_orders
SELECT o.shop, o.order_id, o.name, o.at, o.kind, o.eligible, o.reason, o.value_minor, o.currency,
    o.checkout_token, o.customer_id, o.is_returning AS "returning", o.cancelled_at,
    IFNULL((
        SELECT SUM(r.amount_minor) FROM refunds AS r
        WHERE r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
    ), 0) AS refunded_minor,
    o.browser, o.server, o.presentment_minor, o.presentment_currency, o.subtotal_minor,
    o.tax_minor, o.shipping_minor
FROM (SELECT DISTINCT shop, a FROM fresh WHERE grain = 'order') AS f
JOIN orders AS o ON o.shop = f.shop AND o.order_id = f.a;

-- name: fresh_order_keys
SELECT k.shop, k.order_id, k.kind, k.value
FROM (SELECT DISTINCT shop, a FROM fresh WHERE grain = 'order') AS f
JOIN order_keys AS k ON k.shop = f.shop AND k.order_id = f.a;

-- name: fresh_refunds
SELECT r.shop, r.refund_id, r.order_id, r.at, r.amount_minor, r.currency
FROM refunds AS r
WHERE (r.shop, r.order_id) IN (SELECT shop, a FROM fresh WHERE grain = 'order');

-- name: fresh_links
SELECT l.shop, l.kind, l.value, l.visitor_id, l.at
FROM (SELECT DISTINCT shop, a, b FROM fresh WHERE grain = 'link') AS f
JOIN links AS l ON l.shop = f.shop AND l.kind = f.a AND l.value = f.b;

-- name: fresh_touches
SELECT id, shop, visitor_id, at, source, medium, campaign, term, content, campaign_id, adset_id,
    ad_id, channel, direct, paid, click_kind, click_id, referrer_host, landing_path, rules
FROM touches
WHERE dropped = 0 AND id IN (
    SELECT id FROM touches
    WHERE id > IFNULL((SELECT position FROM progress WHERE name = 'segments'), 0)
    UNION
    SELECT CAST(a AS INTEGER) FROM fresh WHERE grain = 'touch'
);

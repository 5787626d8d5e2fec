-- The eligible orders of the period, and in mode `refund_day` also those that changed in it.
-- `minor` is what the order adds to the period's revenue, `orders` what it adds to the count.
WITH given_back AS (
    SELECT o.shop, o.order_id,
        CASE
            WHEN o.cancelled_at IS NOT NULL THEN o.value_minor
            ELSE GREATEST(o.refunded_minor, COALESCE(SUM(r.amount_minor), 0))
        END AS minor,
        COALESCE(SUM(r.amount_minor), 0) AS dated_minor
    FROM orders o
    LEFT JOIN refunds r
        ON r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
    WHERE o.eligible = 1
    GROUP BY o.shop, o.order_id, o.cancelled_at, o.value_minor, o.refunded_minor
),
movements AS (
    SELECT o.shop, o.order_id, 1 AS orders,
        CASE WHEN p.refunds = 'restate' THEN o.value_minor - g.minor ELSE o.value_minor END AS minor
    FROM orders o
    JOIN given_back g ON g.shop = o.shop AND g.order_id = o.order_id
    CROSS JOIN params p
    WHERE o.moment >= p.start AND o.moment < p.stop
    UNION ALL
    SELECT r.shop, r.order_id, 0, -r.amount_minor
    FROM refunds r
    JOIN orders o ON o.shop = r.shop AND o.order_id = r.order_id AND o.currency = r.currency
    CROSS JOIN params p
    WHERE p.refunds = 'refund_day' AND r.moment >= p.start AND r.moment < p.stop
    UNION ALL
    SELECT o.shop, o.order_id, 0, g.dated_minor - o.value_minor
    FROM orders o
    JOIN given_back g ON g.shop = o.shop AND g.order_id = o.order_id
    CROSS JOIN params p
    WHERE p.refunds = 'refund_day' AND o.cancelled_at >= p.start AND o.cancelled_at < p.stop
)
SELECT o.shop, o.order_id, o.moment, o.currency, g.minor AS refunded_minor,
    CAST(SUM(m.minor) AS BIGINT) AS minor, CAST(SUM(m.orders) AS BIGINT) AS orders
FROM movements m
JOIN orders o ON o.shop = m.shop AND o.order_id = m.order_id
JOIN given_back g ON g.shop = m.shop AND g.order_id = m.order_id
CROSS JOIN params p
WHERE o.eligible = 1 AND (p.shop IS NULL OR o.shop = p.shop)
GROUP BY o.shop, o.order_id, o.moment, o.currency, g.minor

-- As `sales`, of the orders that a roll-up keeps.
WITH given_back AS (
    SELECT r.shop, r.order_id, r.currency, SUM(r.amount_minor) AS minor
    FROM refunds r
    CROSS JOIN params p
    WHERE p.refunds = 'refund_day' AND r.moment >= p.start AND r.moment < p.stop
    GROUP BY r.shop, r.order_id, r.currency
),
known AS (
    SELECT k.*, p.refunds, exchanged(CAST(COALESCE(g.minor, 0) AS BIGINT), k.factor) AS inside,
        CASE
            WHEN k.moment >= p.start AND (k.moment < p.stop OR p.basis = 'accrual') THEN 1 ELSE 0
        END AS orders,
        CASE
            WHEN k.cancelled_at >= p.start AND k.cancelled_at < p.stop THEN 1 ELSE 0
        END AS cancelled
    FROM sold k
    CROSS JOIN params p
    LEFT JOIN given_back g
        ON g.shop = k.shop AND g.order_id = k.order_id AND g.currency = k.told_currency
    WHERE (p.shop IS NULL OR k.shop = p.shop)
        AND (p.returning_only IS NULL OR k.is_returning = p.returning_only)
)
SELECT sale, shop, order_id, moment, currency, is_returning, orders, value_minor,
    refunded_minor,
    CAST(CASE refunds
        WHEN 'restate' THEN value_minor - refunded_minor
        WHEN 'gross' THEN value_minor
        ELSE orders * value_minor - inside - cancelled * (value_minor - dated)
    END AS BIGINT) AS minor, seen
FROM known
WHERE orders = 1 OR (refunds = 'refund_day' AND (inside > 0 OR cancelled = 1))

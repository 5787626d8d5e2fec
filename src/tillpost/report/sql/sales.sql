-- The eligible orders that move the period's revenue: `minor` is what each adds to it, `orders`
-- what it adds to the count. Restated, an order counts on its day less all that was given
-- back since; by refund day it counts whole, and each refund on its own day. A cancelled
-- order is given back whole. By touch date (`accrual`) later orders may belong to the period.
-- Money is in the currency of the shop's reports where a rate of the order's day is known;
-- what is given back is turned at the same rate, so that a whole refund leaves nothing.
WITH given_back AS (
    SELECT r.shop, r.order_id, r.currency, SUM(r.amount_minor) AS minor,
        SUM(CASE WHEN r.moment >= p.start AND r.moment < p.stop THEN r.amount_minor ELSE 0 END)
            AS inside
    FROM refunds r
    CROSS JOIN params p
    GROUP BY r.shop, r.order_id, r.currency
),
known AS (
    SELECT o.seq AS sale, o.shop, o.order_id, o.moment, c.is_returning,
        COALESCE(e.into_currency, o.currency) AS currency, p.refunds,
        exchanged(o.value_minor, e.factor) AS value_minor,
        exchanged(CAST(COALESCE(g.minor, 0) AS BIGINT), e.factor) AS dated,
        exchanged(CAST(COALESCE(g.inside, 0) AS BIGINT), e.factor) AS inside,
        exchanged(CAST(CASE
            WHEN o.cancelled_at IS NOT NULL THEN o.value_minor
            ELSE GREATEST(o.refunded_minor, COALESCE(g.minor, 0))
        END AS BIGINT), e.factor) AS refunded_minor,
        CASE
            WHEN o.moment >= p.start AND (o.moment < p.stop OR p.basis = 'accrual') THEN 1 ELSE 0
        END AS orders,
        CASE
            WHEN o.cancelled_at >= p.start AND o.cancelled_at < p.stop THEN 1 ELSE 0
        END AS cancelled
    FROM orders o
    CROSS JOIN params p
    LEFT JOIN customers c ON c.sale = o.seq
    LEFT JOIN reported_in i ON i.shop = o.shop
    LEFT JOIN exchange e
        ON e.currency = o.currency AND e.into_currency = i.currency
        AND e.number = div_whole(o.moment, 86400)
    LEFT JOIN given_back g
        ON g.shop = o.shop AND g.order_id = o.order_id AND g.currency = o.currency
    WHERE o.eligible = 1 AND (p.shop IS NULL OR o.shop = p.shop)
        AND (p.returning_only IS NULL OR c.is_returning = p.returning_only)
)
SELECT sale, shop, order_id, moment, currency, is_returning, orders, value_minor,
    CAST(refunded_minor AS BIGINT) AS refunded_minor,
    CAST(CASE refunds
        WHEN 'restate' THEN value_minor - refunded_minor
        WHEN 'gross' THEN value_minor
        ELSE orders * value_minor - inside - cancelled * (value_minor - dated)
    END AS BIGINT) AS minor
FROM known
WHERE orders = 1 OR (refunds = 'refund_day' AND (inside > 0 OR cancelled = 1))

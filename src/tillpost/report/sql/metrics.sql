-- The period as a whole, by shop and currency: orders and money, buyers, visits, spend, and what
-- the goods cost as far as it is known. A product's cost counts if it is told in the same
-- currency as the order stands in; what was given back costs all the same. A platform's claim that
-- came with its spend stands before what the receiver credits.
WITH sold AS (
    SELECT s.shop, s.currency, CAST(SUM(s.orders) AS BIGINT) AS orders,
        CAST(SUM(s.orders * s.value_minor) AS BIGINT) AS gross_minor,
        CAST(SUM(s.minor) AS BIGINT) AS minor,
        CAST(SUM(CASE WHEN s.is_returning = 0 THEN s.orders ELSE 0 END) AS BIGINT) AS new_orders,
        CAST(SUM(CASE WHEN s.is_returning = 1 THEN s.orders ELSE 0 END) AS BIGINT)
            AS returning_orders,
        CAST(SUM(CASE WHEN s.is_returning = 0 THEN s.minor ELSE 0 END) AS BIGINT) AS new_minor,
        CAST(SUM(CASE WHEN g.currency = s.currency THEN s.orders * g.goods_minor ELSE 0 END)
            AS BIGINT) AS goods_minor,
        CAST(SUM(CASE WHEN g.currency = s.currency THEN 0 ELSE s.orders * s.value_minor END)
            AS BIGINT) AS uncosted_minor,
        CAST(SUM(CASE WHEN g.currency = s.currency THEN 0 ELSE s.orders END) AS BIGINT) AS uncosted
    FROM sales s
    LEFT JOIN order_costs g
        ON g.shop = s.shop AND g.order_id = s.order_id AND g.pieces_unknown = 0
    GROUP BY s.shop, s.currency
),
spent AS (
    SELECT shop, currency, CAST(SUM(spend_minor) AS BIGINT) AS spend_minor
    FROM expenses
    GROUP BY shop, currency
),
claimed AS (
    SELECT told.shop, currency, CAST(SUM(minor) AS BIGINT) AS claimed_minor
    FROM (
        SELECT shop, currency, claims_minor AS minor
        FROM expenses
        WHERE claims_minor IS NOT NULL
        UNION ALL
        SELECT x.shop, x.currency, x.value_minor
        FROM claims x
        WHERE NOT EXISTS (
            SELECT 1 FROM expenses e
            WHERE e.campaign_key = x.campaign_id AND e.currency = x.currency
                AND e.claims_micro IS NOT NULL
        )
    ) told
    CROSS JOIN params p
    WHERE currency IS NOT NULL AND (p.shop IS NULL OR told.shop = p.shop)
    GROUP BY told.shop, currency
),
visited AS (
    SELECT t.shop, COUNT(*) AS visits
    FROM touches t
    CROSS JOIN params p
    WHERE t.moment >= p.start AND t.moment < p.stop AND (p.shop IS NULL OR t.shop = p.shop)
        AND t.visitor_id NOT LIKE 'order:%' AND t.visitor_id NOT LIKE 'coupon:%'
    GROUP BY t.shop
)
SELECT COALESCE(a.shop, b.shop, d.shop) AS shop,
    COALESCE(a.currency, b.currency, d.currency) AS currency,
    COALESCE(a.orders, 0) AS orders, COALESCE(a.gross_minor, 0) AS gross_minor,
    COALESCE(a.minor, 0) AS minor, COALESCE(a.new_orders, 0) AS new_orders,
    COALESCE(a.returning_orders, 0) AS returning_orders, COALESCE(a.new_minor, 0) AS new_minor,
    COALESCE(a.goods_minor, 0) AS goods_minor, COALESCE(a.uncosted_minor, 0) AS uncosted_minor,
    COALESCE(a.uncosted, 0) AS uncosted, COALESCE(b.spend_minor, 0) AS spend_minor,
    d.claimed_minor, COALESCE(v.visits, 0) AS visits, r.goods_percent, r.fees_percent, r.fees_fixed,
    r.shipping_fixed, i.currency AS own_currency
FROM sold a
FULL OUTER JOIN spent b ON b.shop = a.shop AND b.currency = a.currency
FULL OUTER JOIN claimed d
    ON d.shop = COALESCE(a.shop, b.shop) AND d.currency = COALESCE(a.currency, b.currency)
LEFT JOIN visited v ON v.shop = COALESCE(a.shop, b.shop, d.shop)
LEFT JOIN cost_rules r ON r.shop = COALESCE(a.shop, b.shop, d.shop)
LEFT JOIN reported_in i ON i.shop = COALESCE(a.shop, b.shop, d.shop)
ORDER BY gross_minor DESC, shop, currency

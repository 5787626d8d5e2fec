-- The orders of the period by where their Purchase stands with each destination that their shop
-- sends to, and what they were worth.
WITH lines AS (SELECT DISTINCT shop, destination FROM deliveries)
SELECT o.shop, l.destination, o.currency, d.state, d.reason, COUNT(*) AS orders,
    CAST(SUM(o.value_minor) AS BIGINT) AS value_minor
FROM orders o
CROSS JOIN params p
JOIN lines l ON l.shop = o.shop
LEFT JOIN deliveries d
    ON d.shop = o.shop AND d.order_id = o.order_id AND d.destination = l.destination
WHERE o.moment >= p.start AND o.moment < p.stop AND (p.shop IS NULL OR o.shop = p.shop)
GROUP BY o.shop, l.destination, o.currency, d.state, d.reason

-- As `buyers`, of the orders that a roll-up keeps.
SELECT shop, visitor_id, MAX(moment) AS moment
FROM (
    SELECT s.shop, l.visitor_id, s.moment
    FROM sales s
    JOIN order_keys k ON k.shop = s.shop AND k.order_id = s.order_id
    JOIN links l ON l.shop = k.shop AND l.kind = k.kind AND l.value = k.value
    WHERE l.moment <= s.moment + CASE WHEN l.kind IN ('checkout', 'order') THEN 300 ELSE 0 END
    UNION ALL
    SELECT s.shop, k.value, s.moment
    FROM sales s
    JOIN order_keys k ON k.shop = s.shop AND k.order_id = s.order_id
    WHERE k.kind = 'visitor'
)
GROUP BY shop, visitor_id

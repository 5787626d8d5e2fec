-- Whose browsers an order belongs to: those seen, before the order, with one of its keys.
-- What belongs to this order alone may be seen with it up to five minutes later.
SELECT DISTINCT sale, shop, moment, visitor_id
FROM (
    SELECT s.sale, s.shop, s.moment, l.visitor_id
    FROM sales s
    JOIN order_keys k ON k.shop = s.shop AND k.order_id = s.order_id
    JOIN links l ON l.shop = k.shop AND l.kind = k.kind AND l.value = k.value
    WHERE l.moment <= s.moment + CASE WHEN l.kind IN ('checkout', 'order') THEN 300 ELSE 0 END
    UNION ALL
    SELECT s.sale, s.shop, s.moment, k.value
    FROM sales s
    JOIN order_keys k ON k.shop = s.shop AND k.order_id = s.order_id
    WHERE k.kind = 'visitor'
) found

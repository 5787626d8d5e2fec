-- Whose browsers an order belongs to: those seen, before the order, with one of its keys.
-- What belongs to this order alone may be seen with it up to five minutes later.
-- `carried` is the landing page that the order itself brought, under a visitor of its own.
SELECT k.shop, k.order_id, l.visitor_id, 0 AS carried
FROM sales s
JOIN order_keys k ON k.shop = s.shop AND k.order_id = s.order_id
JOIN links l ON l.shop = k.shop AND l.kind = k.kind AND l.value = k.value
WHERE l.moment <= s.moment + CASE WHEN l.kind IN ('checkout', 'order') THEN 300 ELSE 0 END
UNION
SELECT k.shop, k.order_id, k.value, 0
FROM sales s
JOIN order_keys k ON k.shop = s.shop AND k.order_id = s.order_id
WHERE k.kind = 'visitor'
UNION
SELECT s.shop, s.order_id, 'order:' || s.order_id, 1
FROM sales s

-- The days, in the zones of their shops, of orders that changed facts have a part in: the orders
-- themselves, others of the same customer, those of a visitor who has become known by one of
-- their keys, and those that a visitor's changed touches came before.
WITH people AS (
    SELECT o.shop, o.customer_id FROM orders o
    JOIN changed_order c ON c.shop = o.shop AND c.order_id = o.order_id
    WHERE o.customer_id IS NOT NULL
),
addresses AS (
    SELECT k.shop, k.value FROM order_keys k
    JOIN changed_order c ON c.shop = k.shop AND c.order_id = k.order_id
    WHERE k.kind = 'em'
),
visitors AS (
    SELECT t.shop, t.visitor_id, MIN(t.moment) AS moment FROM touches t
    JOIN changed_touch c ON c.id = t.id
    GROUP BY t.shop, t.visitor_id
),
chosen AS (
    SELECT shop, order_id, 0 AS moment FROM changed_order
    UNION
    SELECT o.shop, o.order_id, 0 FROM orders o
    JOIN people p ON p.shop = o.shop AND p.customer_id = o.customer_id
    UNION
    SELECT k.shop, k.order_id, 0 FROM order_keys k
    JOIN addresses a ON a.shop = k.shop AND a.value = k.value
    WHERE k.kind = 'em'
    UNION
    SELECT k.shop, k.order_id, 0 FROM order_keys k
    JOIN changed_link c ON c.shop = k.shop AND c.kind = k.kind AND c.value = k.value
    UNION
    SELECT k.shop, k.order_id, v.moment FROM visitors v
    JOIN links l ON l.shop = v.shop AND l.visitor_id = v.visitor_id
    JOIN order_keys k ON k.shop = l.shop AND k.kind = l.kind AND k.value = l.value
    UNION
    SELECT k.shop, k.order_id, v.moment FROM visitors v
    JOIN order_keys k ON k.shop = v.shop AND k.value = v.visitor_id
    WHERE k.kind = 'visitor'
    UNION
    SELECT shop, SUBSTR(visitor_id, 7), moment FROM visitors WHERE visitor_id LIKE 'order:%'
)
SELECT o.shop, day_of(o.moment + z.seconds) AS day,
    MIN(o.moment) AS first_moment, MAX(o.moment) AS last_moment
FROM chosen c
JOIN orders o ON o.shop = c.shop AND o.order_id = c.order_id AND o.moment >= c.moment
JOIN zones z ON z.shop = o.shop AND o.moment >= z.since AND o.moment < z.until
GROUP BY o.shop, day_of(o.moment + z.seconds)

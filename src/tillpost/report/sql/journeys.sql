-- Each order's touches in the window; `back` counts from the latest, which is 1; `age` is in
-- seconds before the order.
-- The landing page that an order carries (visitor `order:<id>`) has no time of its own; it
-- counts only where none of its visitors' own touches says what brought them.
WITH own AS (
    SELECT v.sale, t.id AS touch_id, v.moment - t.moment AS age, t.direct, t.paid, t.label
    FROM order_visitors v
    CROSS JOIN params p
    JOIN touches t ON t.shop = v.shop AND t.visitor_id = v.visitor_id
        AND t.moment <= v.moment
        AND (p.window_seconds IS NULL OR v.moment - t.moment <= p.window_seconds)
),
carried AS (
    SELECT s.sale, t.id AS touch_id, s.moment - t.moment AS age, t.direct, t.paid, t.label
    FROM (SELECT * FROM touches WHERE visitor_id LIKE 'order:%') t
    CROSS JOIN params p
    JOIN sales s ON s.shop = t.shop AND s.order_id = SUBSTR(t.visitor_id, 7)
        AND t.moment <= s.moment
        AND (p.window_seconds IS NULL OR s.moment - t.moment <= p.window_seconds)
),
told AS (
    SELECT c.sale, MIN(o.direct) AS direct
    FROM carried c
    JOIN own o ON o.sale = c.sale
    GROUP BY c.sale
),
near AS (
    SELECT * FROM own
    UNION ALL
    SELECT c.*
    FROM carried c
    LEFT JOIN told t ON t.sale = c.sale
    WHERE t.sale IS NULL OR (c.direct = 0 AND t.direct = 1)
)
SELECT near.*, ROW_NUMBER() OVER (PARTITION BY sale ORDER BY age, touch_id DESC) AS back
FROM near

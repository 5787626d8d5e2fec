-- The landing page that an order carries (visitor `order:<id>`) has no time of its own. It counts
-- only where none of its visitors' own touches in the window says what brought them: in windows
-- shorter than `displaced`, which is NULL where nothing ever says it.
WITH landed AS (
    SELECT s.sale, t.id AS touch_id, s.moment - t.moment AS age, t.direct, t.paid, t.label,
        ROW_NUMBER() OVER (PARTITION BY s.sale ORDER BY t.moment DESC, t.id DESC) AS place
    FROM (SELECT * FROM touches WHERE visitor_id LIKE 'order:%') t
    JOIN sales s ON s.shop = t.shop AND s.order_id = SUBSTR(t.visitor_id, 7)
        AND t.moment <= s.moment
),
own AS (
    SELECT l.sale, MIN(CASE WHEN l.direct = 1 OR t.direct = 0 THEN v.moment - t.moment END) AS age
    FROM landed l
    JOIN order_visitors v ON v.sale = l.sale
    JOIN touches t ON t.shop = v.shop AND t.visitor_id = v.visitor_id AND t.moment <= v.moment
    WHERE l.place = 1
    GROUP BY l.sale
)
SELECT l.sale, l.touch_id, l.age, l.direct, l.paid, l.label, o.age AS displaced
FROM landed l
LEFT JOIN own o ON o.sale = l.sale
WHERE l.place = 1

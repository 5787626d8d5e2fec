-- Journeys that have a touch in the period, by the channels they took, the oldest first: how many
-- orders they led to, on whatever day, and what these were worth. `inside` has a 1 for each touch
-- of the period and a 0 for each other, in the same order.
WITH routes AS (
    SELECT n.sale, MAX(CASE WHEN t.inside = '1' THEN 1 ELSE 0 END) AS is_inside,
        STRING_AGG(t.channel, ' > ' ORDER BY t.back DESC) AS path,
        STRING_AGG(t.inside, '' ORDER BY t.back DESC) AS inside
    FROM bounds n
    JOIN (
        SELECT j.journey, j.back, b.channel,
            CASE
                WHEN s.moment - j.age >= p.start AND s.moment - j.age < p.stop THEN '1' ELSE '0'
            END AS inside
        FROM journeys j
        JOIN sales s ON s.sale = div_whole(j.journey, 2)
        JOIN labels b ON b.label = j.label
        CROSS JOIN params p
    ) t ON t.journey = n.journey AND t.back <= n.steps
    GROUP BY n.sale
)
SELECT r.path, r.inside, s.currency, COUNT(*) AS orders, CAST(SUM(s.minor) AS BIGINT) AS minor
FROM routes r
JOIN sales s ON s.sale = r.sale
WHERE s.orders > 0 AND r.is_inside = 1
GROUP BY r.path, r.inside, s.currency
ORDER BY orders DESC, minor DESC, r.path, r.inside, s.currency

-- Journeys by the channels they took, the oldest first: how many orders, what they were worth,
-- how many touches and how long they took. An order without a touch has no path.
WITH routes AS (
    SELECT n.sale, MAX(j.age) AS age, COUNT(*) AS steps,
        STRING_AGG(b.channel, ' > ' ORDER BY j.back DESC) AS path
    FROM bounds n
    JOIN journeys j ON j.journey = n.journey AND j.back <= n.steps
    JOIN labels b ON b.label = j.label
    GROUP BY n.sale
)
SELECT r.path, s.currency, COUNT(*) AS orders, CAST(SUM(s.minor) AS BIGINT) AS minor,
    MAX(r.steps) AS steps, CAST(SUM(r.age) AS BIGINT) AS seconds
FROM routes r
JOIN sales s ON s.sale = r.sale
WHERE s.orders > 0
GROUP BY r.path, s.currency
ORDER BY orders DESC, minor DESC, path, currency

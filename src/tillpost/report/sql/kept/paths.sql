-- As `paths`, of the journeys that a roll-up keeps.
WITH routes AS (
    SELECT RIGHT(k.way, k.steps) AS way, s.currency, COUNT(*) AS orders,
        CAST(SUM(s.minor) AS BIGINT) AS minor, CAST(SUM(k.ages[k.steps]) AS BIGINT) AS seconds
    FROM within k
    JOIN sales s ON s.sale = k.sale
    WHERE s.orders > 0
    GROUP BY RIGHT(k.way, k.steps), s.currency
),
named AS (SELECT MAP(LIST(letter), LIST(channel)) AS channels FROM letters)
SELECT ARRAY_TO_STRING(
        LIST_TRANSFORM(STRING_SPLIT(r.way, ''), lambda letter: n.channels[letter]), ' > '
    ) AS path, r.currency, r.orders, r.minor, LENGTH(r.way) AS steps, r.seconds
FROM routes r
CROSS JOIN named n
ORDER BY orders DESC, minor DESC, path, currency

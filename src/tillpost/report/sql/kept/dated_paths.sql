-- As `dated_paths`, of the journeys that a roll-up keeps.
WITH marked AS (
    SELECT RIGHT(k.way, k.steps) AS way, s.currency, s.minor,
        ARRAY_TO_STRING(LIST_TRANSFORM(
            LIST_REVERSE(k.ages[1:k.steps]),
            lambda age: CASE
                WHEN s.moment - age >= p.start AND s.moment - age < p.stop THEN '1' ELSE '0'
            END
        ), '') AS inside
    FROM within k
    JOIN sales s ON s.sale = k.sale
    CROSS JOIN params p
    WHERE s.orders > 0
),
named AS (SELECT MAP(LIST(letter), LIST(channel)) AS channels FROM letters)
SELECT ARRAY_TO_STRING(
        LIST_TRANSFORM(STRING_SPLIT(r.way, ''), lambda letter: n.channels[letter]), ' > '
    ) AS path, r.inside, r.currency, COUNT(*) AS orders, CAST(SUM(r.minor) AS BIGINT) AS minor
FROM marked r
CROSS JOIN named n
WHERE CONTAINS(r.inside, '1')
GROUP BY r.way, n.channels, r.inside, r.currency
ORDER BY orders DESC, minor DESC, path, r.inside, r.currency

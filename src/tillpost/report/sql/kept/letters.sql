-- Channels that have no letter yet, each with one: a path is then a short word. What lies beyond
-- printable ASCII are letters that join with no other.
SELECT channel, CHR(CAST(CASE WHEN number < 94 THEN 33 + number ELSE 19968 + number END AS INTEGER))
    AS letter
FROM (
    SELECT channel, ROW_NUMBER() OVER (ORDER BY channel) - 1 + (SELECT COUNT(*) FROM letters)
        AS number
    FROM (SELECT DISTINCT channel FROM labels WHERE channel NOT IN (SELECT channel FROM letters))
)

-- Where the numbers of a shop's orders jump: the number before, the one after, and the moments of
-- the orders that have them. Numbers count up to the highest of an order that is an hour older
-- than the newest of its series; a jump of more than a thousand is a change of numbering.
WITH told AS (
    SELECT o.shop, o.moment, REGEXP_EXTRACT(o.name, '^([^0-9]*)[0-9]+[^0-9]*$', 1) AS head,
        REGEXP_EXTRACT(o.name, '^[^0-9]*([0-9]+)[^0-9]*$', 1) AS digits,
        REGEXP_EXTRACT(o.name, '^[^0-9]*[0-9]+([^0-9]*)$', 1) AS tail
    FROM orders o
    CROSS JOIN params p
    WHERE o.moment >= p.start AND o.moment < p.stop AND (p.shop IS NULL OR o.shop = p.shop)
),
numbered AS (
    SELECT shop, head, tail, CAST(digits AS BIGINT) AS number, MAX(moment) AS moment
    FROM (SELECT * FROM told WHERE LENGTH(digits) BETWEEN 1 AND 15) fit
    GROUP BY shop, head, tail, CAST(digits AS BIGINT)
),
ends AS (
    SELECT shop, head, tail, MAX(moment) - 3600 AS settled FROM numbered GROUP BY shop, head, tail
),
tops AS (
    SELECT n.shop, n.head, n.tail, MAX(n.number) AS top
    FROM numbered n
    JOIN ends e ON e.shop = n.shop AND e.head = n.head AND e.tail = n.tail
    WHERE n.moment <= e.settled
    GROUP BY n.shop, n.head, n.tail
)
SELECT * FROM (
    SELECT n.shop, n.head, n.tail, n.number AS low, n.moment AS low_moment,
        LEAD(n.number) OVER w AS high, LEAD(n.moment) OVER w AS high_moment
    FROM numbered n
    JOIN tops t ON t.shop = n.shop AND t.head = n.head AND t.tail = n.tail
    WHERE n.number <= t.top
    WINDOW w AS (PARTITION BY n.shop, n.head, n.tail ORDER BY n.number)
) jumps
WHERE high - low BETWEEN 2 AND 1000
ORDER BY shop, head, tail, low

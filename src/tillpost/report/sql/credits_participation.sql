-- All of the order to the latest touch of each group (channel or campaign); sums say nothing.
WITH latest AS (
    SELECT j.journey, g.part, MIN(j.back) AS back
    FROM journeys j
    JOIN label_parts g ON g.label = j.label
    GROUP BY j.journey, g.part
)
SELECT b.sale, b.first_window, b.last_window, j.touch_id, j.label, j.back,
    b.moment - j.age AS moment,
    b.minor AS participation_minor, 1000000 * b.orders AS participation_share
FROM bounds b
JOIN latest k ON k.journey = b.journey AND k.back <= b.steps
JOIN journeys j ON j.journey = k.journey AND j.back = k.back
CROSS JOIN params p
WHERE p.basis = 'cash' OR (b.moment - j.age >= p.start AND b.moment - j.age < p.stop)

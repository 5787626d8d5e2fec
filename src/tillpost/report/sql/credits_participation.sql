-- All of the order to the latest touch of each group (channel or campaign); sums say nothing.
WITH latest AS (
    SELECT j.sale, g.part, MIN(j.back) AS back
    FROM journeys j
    JOIN label_parts g ON g.label = j.label
    GROUP BY j.sale, g.part
)
SELECT 'participation' AS model, j.sale, j.touch_id, j.label, j.back, b.moment - j.age AS moment,
    b.minor, 1000000 * b.orders AS share
FROM latest k
JOIN journeys j ON j.sale = k.sale AND j.back = k.back
JOIN bounds b ON b.sale = k.sale

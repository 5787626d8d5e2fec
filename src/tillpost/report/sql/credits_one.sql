-- The models that give an order whole to one touch.
WITH picks AS (
    SELECT m.model, b.sale, b.moment, b.minor, b.orders,
        CASE m.model
            WHEN 'first' THEN b.steps
            WHEN 'last' THEN 1
            WHEN 'last_non_direct' THEN COALESCE(b.last_indirect, 1)
            ELSE COALESCE(b.last_paid, b.last_indirect, 1)
        END AS back
    FROM bounds b
    CROSS JOIN (
        SELECT model FROM models WHERE model IN ('first', 'last', 'last_non_direct', 'last_paid')
    ) m
)
SELECT k.model, k.sale, j.touch_id, j.label, j.back, k.moment - j.age AS moment, k.minor,
    1000000 * k.orders AS share
FROM picks k
JOIN journeys j ON j.sale = k.sale AND j.back = k.back

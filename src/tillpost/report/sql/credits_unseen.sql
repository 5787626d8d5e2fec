-- Orders without a touch, the same under every model: Direct (label 1) if a visitor of theirs was
-- seen at all, else Unknown (label 0): lost, not guessed.
SELECT m.model, s.sale, NULL AS touch_id, CASE WHEN v.sale IS NULL THEN 0 ELSE 1 END AS label,
    1 AS back, s.moment, s.minor, 1000000 * s.orders AS share
FROM sales s
CROSS JOIN models m
LEFT JOIN (SELECT DISTINCT sale FROM order_visitors) v ON v.sale = s.sale
LEFT JOIN bounds b ON b.sale = s.sale
WHERE b.sale IS NULL

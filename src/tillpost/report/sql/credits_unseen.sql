-- Orders without a touch in a window, the same under every model: Direct (label 1) if a visitor of
-- theirs was seen at all, else Unknown (label 0): lost, not guessed.
SELECT s.sale, 1 AS first_window, COALESCE(b.first_window - 1, w.number) AS last_window,
    CAST(NULL AS BIGINT) AS touch_id, CASE WHEN v.sale IS NULL THEN 0 ELSE 1 END AS label,
    1 AS back, s.moment, s.minor AS unseen_minor, 1000000 * s.orders AS unseen_share
FROM sales s
CROSS JOIN params p
CROSS JOIN (SELECT MAX(number) AS number FROM windows) w
LEFT JOIN (SELECT DISTINCT sale FROM order_visitors) v ON v.sale = s.sale
LEFT JOIN (SELECT sale, MIN(first_window) AS first_window FROM bounds GROUP BY sale) b
    ON b.sale = s.sale
WHERE COALESCE(b.first_window, 2) > 1
    AND (p.basis = 'cash' OR (s.moment >= p.start AND s.moment < p.stop))

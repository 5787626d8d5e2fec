-- As `earned`, of a model that credits one touch.
SELECT m.model, s.shop, s.currency, s.is_returning, c.label, 1 AS first_window, 1 AS last_window,
    CAST(SUM(s.minor) AS BIGINT) AS minor, CAST(SUM(1000000 * s.orders) AS BIGINT) AS shares
FROM mains c
JOIN sales s ON s.sale = c.sale
CROSS JOIN models m
CROSS JOIN params p
WHERE p.basis = 'cash' OR (c.moment >= p.start AND c.moment < p.stop)
GROUP BY m.model, s.shop, s.currency, s.is_returning, c.label

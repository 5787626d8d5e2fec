-- Paths that led to nothing: each visitor's channels after the last order that was ever theirs,
-- the oldest first, of visitors that last came in the period. The window counts back from that
-- last visit. By touch date, of visitors with any touch in the period, who may have come later.
-- What an order carried itself, a landing page or a discount code, is no visitor's.
WITH came AS (
    SELECT t.shop, t.visitor_id, t.id, t.moment, t.label, p.start, p.stop,
        MAX(t.moment) OVER (PARTITION BY t.shop, t.visitor_id) AS latest
    FROM touches t
    CROSS JOIN params p
    LEFT JOIN buyers b ON b.shop = t.shop AND b.visitor_id = t.visitor_id
    WHERE (p.shop IS NULL OR t.shop = p.shop)
        AND t.visitor_id NOT LIKE 'order:%' AND t.visitor_id NOT LIKE 'coupon:%'
        AND (t.moment < p.stop OR p.basis = 'accrual')
        AND (b.moment IS NULL OR t.moment > b.moment)
),
routes AS (
    SELECT STRING_AGG(b.channel, ' > ' ORDER BY c.moment, c.id) AS path,
        MAX(CASE WHEN c.moment >= c.start AND c.moment < c.stop THEN 1 ELSE 0 END) AS is_inside
    FROM came c
    JOIN windows w ON c.latest - c.moment <= w.seconds
    JOIN labels b ON b.label = c.label
    WHERE c.latest >= c.start
    GROUP BY c.shop, c.visitor_id
)
SELECT path, COUNT(*) AS visitors
FROM routes
WHERE is_inside = 1
GROUP BY path
ORDER BY visitors DESC, path

-- What touches earned, from sums by day: of the period's days, the model and the window.
SELECT t.model, t.shop, t.currency, t.is_returning, t.label, w.number AS first_window,
    w.number AS last_window, t.minor, t.shares
FROM tallied t
CROSS JOIN params p
JOIN models m ON m.model = t.model
JOIN all_windows a ON a.number >= t.first_window AND a.number <= t.last_window
JOIN windows w ON w.window_name = a.window_name
WHERE t.day >= p.first_day AND t.day <= p.last_day AND (p.shop IS NULL OR t.shop = p.shop)
    AND (p.returning_only IS NULL OR t.is_returning = p.returning_only)

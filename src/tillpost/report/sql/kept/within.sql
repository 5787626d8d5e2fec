-- The journeys of the period's orders, and how many of their touches the window sees.
SELECT k.*, s.minor, s.orders, k.reach[a.number] AS steps
FROM packed k
JOIN sales s ON s.sale = k.sale
CROSS JOIN windows w
JOIN all_windows a ON a.window_name = w.window_name
WHERE k.reach[a.number] > 0

-- As `bounds`, of the one window that is asked for.
SELECT journey, CAST(steps AS INTEGER) AS steps, 1 AS first_window, 1 AS last_window,
    CASE WHEN indirect <= steps THEN 1 ELSE 0 END AS indirects,
    CASE WHEN paid <= steps THEN 1 ELSE 0 END AS paids, sale, moment, minor, orders
FROM within

-- What the orders of the period took, by quarter of an hour: every time zone's days are whole
-- quarters. A row for each currency, side that told of them, and kind of buyer.
SELECT div_whole(s.moment, 900) * 900 AS moment, s.currency, o.browser, o.server, s.is_returning,
    CAST(SUM(s.orders) AS BIGINT) AS orders, CAST(SUM(s.minor) AS BIGINT) AS minor
FROM sales s
JOIN orders o ON o.seq = s.sale
WHERE s.orders > 0
GROUP BY div_whole(s.moment, 900), s.currency, o.browser, o.server, s.is_returning
ORDER BY moment, currency, o.browser, o.server, s.is_returning

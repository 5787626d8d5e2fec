-- Who saw the orders: the browser, the shop's server, both, neither; what a landing explains and
-- what the platform could match.
SELECT s.shop, COUNT(*) AS orders,
    SUM(o.browser) AS browser, SUM(o.server) AS server,
    SUM(o.browser * o.server) AS both_sides,
    SUM(o.browser * (1 - o.server)) AS browser_only,
    SUM(o.server * (1 - o.browser)) AS server_only,
    SUM(CASE WHEN b.channel <> 'Unknown' THEN 1 ELSE 0 END) AS observed,
    SUM(CASE WHEN b.channel NOT IN ('Unknown', 'Direct') THEN 1 ELSE 0 END) AS attributed,
    SUM(COALESCE(m.matched, 0)) AS matched
FROM sales s
JOIN orders o ON o.seq = s.sale
JOIN mains c ON c.sale = s.sale
JOIN labels b ON b.label = c.label
LEFT JOIN known_buyers m ON m.sale = s.sale
WHERE s.orders > 0
GROUP BY s.shop
ORDER BY s.shop

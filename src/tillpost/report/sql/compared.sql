-- Orders and revenue of every channel under every rule-based model.
SELECT c.model, b.channel, s.currency, CAST(SUM(c.share) AS BIGINT) AS shares,
    CAST(SUM(c.minor) AS BIGINT) AS minor
FROM credits c
JOIN sales s ON s.sale = c.sale
JOIN labels b ON b.label = c.label
GROUP BY c.model, b.channel, s.currency
ORDER BY b.channel, s.currency, c.model

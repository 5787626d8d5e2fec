-- Orders and revenue of every channel under every rule-based model.
SELECT e.model, b.channel, e.currency, CAST(SUM(e.shares) AS BIGINT) AS shares,
    CAST(SUM(e.minor) AS BIGINT) AS minor
FROM earned e
JOIN labels b ON b.label = e.label
GROUP BY e.model, b.channel, e.currency
ORDER BY b.channel, e.currency, e.model

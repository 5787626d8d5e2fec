-- The tags that landings carry, how often, and the orders they brought under the model.
WITH landed AS (
    SELECT t.label, COUNT(*) AS touches, MAX(t.paid) AS paid
    FROM touches t
    CROSS JOIN params p
    WHERE t.moment >= p.start AND t.moment < p.stop AND (p.shop IS NULL OR t.shop = p.shop)
    GROUP BY t.label
),
earned AS (
    SELECT label, CAST(SUM(shares) AS BIGINT) AS shares FROM earned GROUP BY label
),
known AS (SELECT DISTINCT campaign_key FROM expenses)
SELECT b.source, b.medium, b.campaign, b.channel, MAX(l.paid) AS paid,
    MAX(CASE WHEN e.campaign_key IS NULL THEN 0 ELSE 1 END) AS has_spend,
    CAST(SUM(l.touches) AS BIGINT) AS touches,
    CAST(SUM(COALESCE(c.shares, 0)) AS BIGINT) AS shares
FROM landed l
JOIN labels b ON b.label = l.label
JOIN label_keys k ON k.label = l.label
LEFT JOIN known e ON e.campaign_key = k.campaign_key
LEFT JOIN earned c ON c.label = l.label
GROUP BY b.source, b.medium, b.campaign, b.channel
ORDER BY touches DESC, b.source, b.medium, b.campaign

-- Orders, revenue, spend by model, channel and currency. A campaign's spend counts to the channel
-- of most of its paid touches; a campaign that brought nobody, to its platform's usual channel.
WITH earned AS (
    SELECT e.model, b.channel, e.currency,
        CAST(SUM(e.shares) AS BIGINT) AS shares, CAST(SUM(e.minor) AS BIGINT) AS minor
    FROM earned e
    JOIN labels b ON b.label = e.label
    GROUP BY e.model, b.channel, e.currency
),
brought AS (
    SELECT k.campaign_key, b.channel, COUNT(*) AS touches
    FROM touches t
    JOIN labels b ON b.label = t.label
    JOIN label_keys k ON k.label = t.label
    WHERE t.paid = 1 AND k.campaign_key <> ''
    GROUP BY k.campaign_key, b.channel
),
usual AS (
    SELECT brought.*,
        ROW_NUMBER() OVER (PARTITION BY campaign_key ORDER BY touches DESC, channel) AS place
    FROM brought
),
spent AS (
    SELECT m.model, COALESCE(u.channel, c.channel, 'Paid Other') AS channel, e.currency,
        CAST(SUM(e.spend_minor) AS BIGINT) AS spend_minor
    FROM expenses e
    CROSS JOIN models m
    LEFT JOIN usual u ON u.campaign_key = e.campaign_key AND u.place = 1
    LEFT JOIN platform_channels c ON c.platform = LOWER(e.platform)
    GROUP BY m.model, COALESCE(u.channel, c.channel, 'Paid Other'), e.currency
)
SELECT COALESCE(a.model, b.model) AS model, COALESCE(a.channel, b.channel) AS channel,
    COALESCE(a.currency, b.currency) AS currency,
    COALESCE(a.shares, 0) AS shares, COALESCE(a.minor, 0) AS minor,
    COALESCE(b.spend_minor, 0) AS spend_minor
FROM earned a
FULL OUTER JOIN spent b
    ON b.model = a.model AND b.channel = a.channel AND b.currency = a.currency
ORDER BY model, minor DESC, channel, currency

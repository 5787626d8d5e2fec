-- Orders, revenue, spend by channel and currency. A campaign's spend counts to the channel of
-- most of its paid touches; a campaign that brought nobody, to its platform's usual channel.
WITH earned AS (
    SELECT channel, currency,
        CAST(SUM(orders * share) AS BIGINT) AS shares, CAST(SUM(minor) AS BIGINT) AS minor
    FROM credits
    GROUP BY channel, currency
),
seen AS (
    SELECT COALESCE(t.campaign_id, n.campaign_id, LOWER(t.campaign)) AS campaign_key, t.channel,
        ROW_NUMBER() OVER (
            PARTITION BY COALESCE(t.campaign_id, n.campaign_id, LOWER(t.campaign))
            ORDER BY COUNT(*) DESC, t.channel) AS place
    FROM touches t
    LEFT JOIN campaign_names n ON n.name = LOWER(t.campaign)
    WHERE t.paid = 1 AND COALESCE(t.campaign_id, n.campaign_id, t.campaign) IS NOT NULL
    GROUP BY COALESCE(t.campaign_id, n.campaign_id, LOWER(t.campaign)), t.channel
),
spent AS (
    SELECT COALESCE(s.channel, c.channel, 'Paid Other') AS channel, e.currency,
        CAST(SUM(e.spend_minor) AS BIGINT) AS spend_minor
    FROM expenses e
    LEFT JOIN seen s ON s.campaign_key = e.campaign_key AND s.place = 1
    LEFT JOIN platform_channels c ON c.platform = LOWER(e.platform)
    GROUP BY COALESCE(s.channel, c.channel, 'Paid Other'), e.currency
)
SELECT COALESCE(a.channel, b.channel) AS channel, COALESCE(a.currency, b.currency) AS currency,
    COALESCE(a.shares, 0) AS shares, COALESCE(a.minor, 0) AS minor,
    COALESCE(b.spend_minor, 0) AS spend_minor
FROM earned a
FULL OUTER JOIN spent b ON b.channel = a.channel AND b.currency = a.currency
ORDER BY minor DESC, channel, currency

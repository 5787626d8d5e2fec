-- Own revenue and the platform's claim beside spend, by campaign and currency.
-- A claim that came with the spend stands before what the receiver credits: never both.
-- Orders that no campaign brought stand in one row without a campaign, so that sums hold.
WITH own AS (
    SELECT k.campaign_key, e.currency, MAX(k.campaign_id) AS campaign_id,
        MAX(b.campaign) AS campaign, CAST(SUM(e.shares) AS BIGINT) AS shares,
        CAST(SUM(e.minor) AS BIGINT) AS minor
    FROM earned e
    JOIN labels b ON b.label = e.label
    JOIN label_keys k ON k.label = e.label
    GROUP BY k.campaign_key, e.currency
),
spent AS (
    SELECT campaign_key, currency, MAX(campaign_id) AS campaign_id, MAX(platform) AS platform,
        MAX_BY(campaign, day) AS campaign, CAST(SUM(spend_minor) AS BIGINT) AS spend_minor,
        CAST(SUM(impressions) AS BIGINT) AS impressions, CAST(SUM(clicks) AS BIGINT) AS clicks,
        CAST(SUM(claims_micro) AS BIGINT) AS claims_micro,
        CAST(SUM(claims_minor) AS BIGINT) AS claims_minor
    FROM expenses
    GROUP BY campaign_key, currency
),
claimed AS (
    SELECT x.campaign_id AS campaign_key, x.currency, MAX(x.campaign_id) AS campaign_id,
        MAX_BY(x.campaign, x.moment) AS campaign, COUNT(*) AS conversions,
        CAST(SUM(x.value_minor) AS BIGINT) AS value_minor
    FROM claims x
    WHERE x.campaign_id IS NOT NULL
    GROUP BY x.campaign_id, x.currency
)
SELECT
    COALESCE(s.campaign_id, o.campaign_id, c.campaign_id) AS campaign_id,
    COALESCE(NULLIF(s.campaign, ''), NULLIF(c.campaign, ''), o.campaign) AS campaign,
    s.platform, COALESCE(o.currency, s.currency, c.currency) AS currency,
    COALESCE(o.shares, 0) AS shares, COALESCE(o.minor, 0) AS minor,
    COALESCE(s.spend_minor, 0) AS spend_minor, COALESCE(s.impressions, 0) AS impressions,
    COALESCE(s.clicks, 0) AS clicks,
    COALESCE(s.claims_micro, 1000000 * c.conversions) AS claimed_micro,
    COALESCE(s.claims_minor, c.value_minor) AS claimed_minor
FROM own o
FULL OUTER JOIN spent s ON s.campaign_key = o.campaign_key AND s.currency = o.currency
FULL OUTER JOIN claimed c
    ON c.campaign_key = COALESCE(o.campaign_key, s.campaign_key)
    AND c.currency = COALESCE(o.currency, s.currency)
ORDER BY spend_minor DESC, minor DESC, campaign_id, campaign, currency

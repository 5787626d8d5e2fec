-- Credits, spend, claims and visits at the finest grain that is known: channel, campaign, ad set,
-- ad and currency; own credits also by new and returning buyers. Each part stands in rows of its
-- own, so that any level is a sum. A campaign's spend counts to the channel of most of its paid
-- touches, as in `channels`; so do the platform's claims. A claim that came with the spend stands
-- before what the receiver credits, as in `campaigns`: never both.
WITH brought AS (
    SELECT k.campaign_key, b.channel, COUNT(*) AS touches
    FROM touches t
    JOIN labels b ON b.label = t.label
    JOIN label_keys k ON k.label = t.label
    WHERE t.paid = 1 AND k.campaign_key <> ''
    GROUP BY k.campaign_key, b.channel
),
ranked AS (
    SELECT brought.*,
        ROW_NUMBER() OVER (PARTITION BY campaign_key ORDER BY touches DESC, channel) AS place
    FROM brought
),
usual AS (SELECT campaign_key, channel FROM ranked WHERE place = 1),
visits AS (
    SELECT t.label, COUNT(*) AS visits
    FROM touches t
    CROSS JOIN params p
    WHERE t.moment >= p.start AND t.moment < p.stop AND (p.shop IS NULL OR t.shop = p.shop)
    GROUP BY t.label
),
told AS (
    SELECT campaign_key, currency, COUNT(claims_micro) AS claims
    FROM expenses
    GROUP BY campaign_key, currency
),
received AS (
    SELECT COALESCE(x.campaign_id, n.campaign_id, LOWER(x.campaign), '') AS campaign_key,
        x.campaign_id, x.campaign, x.adset_id, x.adset, x.ad_id, x.ad, x.currency,
        1000000 * COUNT(*) AS shares, CAST(SUM(x.value_minor) AS BIGINT) AS minor
    FROM claims x
    LEFT JOIN campaign_names n ON n.name = LOWER(x.campaign)
    GROUP BY COALESCE(x.campaign_id, n.campaign_id, LOWER(x.campaign), ''), x.campaign_id,
        x.campaign, x.adset_id, x.adset, x.ad_id, x.ad, x.currency
),
claimed AS (
    SELECT campaign_key, campaign_id, campaign, adset_id, adset, ad_id, ad, platform, currency,
        CAST(SUM(claims_micro) AS BIGINT) AS shares, CAST(SUM(claims_minor) AS BIGINT) AS minor
    FROM expenses
    WHERE claims_micro IS NOT NULL
    GROUP BY campaign_key, campaign_id, campaign, adset_id, adset, ad_id, ad, platform, currency
    UNION ALL
    SELECT r.campaign_key, r.campaign_id, r.campaign, r.adset_id, r.adset, r.ad_id, r.ad, 'meta',
        r.currency, r.shares, r.minor
    FROM received r
    LEFT JOIN told t ON t.campaign_key = r.campaign_key AND t.currency = r.currency
    WHERE COALESCE(t.claims, 0) = 0
)
SELECT 'own' AS part, b.channel, k.campaign_key, k.campaign_id, b.campaign, b.adset_id,
    NULL AS adset, b.ad_id, NULL AS ad, NULL AS platform, c.currency,
    c.is_returning, CAST(SUM(c.shares) AS BIGINT) AS shares, CAST(SUM(c.minor) AS BIGINT) AS minor,
    0 AS impressions, 0 AS clicks
FROM earned c
JOIN labels b ON b.label = c.label
JOIN label_keys k ON k.label = c.label
GROUP BY b.channel, k.campaign_key, k.campaign_id, b.campaign, b.adset_id, b.ad_id, c.currency,
    c.is_returning
UNION ALL
SELECT 'spend', COALESCE(u.channel, d.channel, 'Paid Other'), e.campaign_key, e.campaign_id,
    NULLIF(e.campaign, ''), NULLIF(e.adset_id, ''), NULLIF(e.adset, ''), NULLIF(e.ad_id, ''),
    NULLIF(e.ad, ''), e.platform, e.currency, NULL, 0, CAST(SUM(e.spend_minor) AS BIGINT),
    CAST(SUM(e.impressions) AS BIGINT), CAST(SUM(e.clicks) AS BIGINT)
FROM expenses e
LEFT JOIN usual u ON u.campaign_key = e.campaign_key
LEFT JOIN platform_channels d ON d.platform = LOWER(e.platform)
GROUP BY COALESCE(u.channel, d.channel, 'Paid Other'), e.campaign_key, e.campaign_id, e.campaign,
    e.adset_id, e.adset, e.ad_id, e.ad, e.platform, e.currency
UNION ALL
SELECT 'claim', COALESCE(u.channel, 'Paid Social'), x.campaign_key, x.campaign_id,
    NULLIF(x.campaign, ''), NULLIF(x.adset_id, ''), NULLIF(x.adset, ''), NULLIF(x.ad_id, ''),
    NULLIF(x.ad, ''), x.platform, x.currency, NULL, x.shares, COALESCE(x.minor, 0), 0, 0
FROM claimed x
LEFT JOIN usual u ON u.campaign_key = x.campaign_key
UNION ALL
SELECT 'visits', b.channel, k.campaign_key, k.campaign_id, b.campaign, b.adset_id, NULL, b.ad_id,
    NULL, NULL, NULL, NULL, CAST(SUM(v.visits) AS BIGINT), 0, 0, 0
FROM visits v
JOIN labels b ON b.label = v.label
JOIN label_keys k ON k.label = v.label
GROUP BY b.channel, k.campaign_key, k.campaign_id, b.campaign, b.adset_id, b.ad_id

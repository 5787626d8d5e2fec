-- Spend of the period under one campaign key: the platform's id, else the name.
-- A name that only ever belonged to one id stands for it, also after a renaming.
SELECT x.shop, x.platform, x.account_id, x.day, x.currency, x.campaign, x.adset_id, x.adset,
    x.ad_id, x.ad,
    COALESCE(NULLIF(x.campaign_id, ''), n.campaign_id) AS campaign_id,
    COALESCE(NULLIF(x.campaign_id, ''), n.campaign_id, LOWER(x.campaign)) AS campaign_key,
    x.spend_minor, x.impressions, x.clicks
FROM spend x
CROSS JOIN params p
LEFT JOIN campaign_names n ON n.name = LOWER(x.campaign)
WHERE x.day >= p.first_day AND x.day <= p.last_day AND (p.shop IS NULL OR x.shop = p.shop)

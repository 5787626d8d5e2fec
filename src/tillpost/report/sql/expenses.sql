-- Spend of the period under one campaign key: the platform's id, else the name.
-- A name that only ever belonged to one id stands for it, also after a renaming.
-- Money is in the currency of the shop's reports where a rate of the day is known.
SELECT x.shop, x.platform, x.account_id, x.day, COALESCE(e.into_currency, x.currency) AS currency,
    x.campaign, x.adset_id, x.adset, x.ad_id, x.ad,
    COALESCE(NULLIF(x.campaign_id, ''), n.campaign_id) AS campaign_id,
    COALESCE(NULLIF(x.campaign_id, ''), n.campaign_id, LOWER(x.campaign)) AS campaign_key,
    exchanged(x.spend_minor, e.factor) AS spend_minor, x.impressions, x.clicks, x.claims_micro,
    exchanged(x.claims_minor, e.factor) AS claims_minor
FROM spend x
CROSS JOIN params p
LEFT JOIN campaign_names n ON n.name = LOWER(x.campaign)
LEFT JOIN reported_in r ON r.shop = x.shop
LEFT JOIN exchange e
    ON e.currency = x.currency AND e.into_currency = r.currency AND e.day = x.day
WHERE x.day >= p.first_day AND x.day <= p.last_day AND (p.shop IS NULL OR x.shop = p.shop)

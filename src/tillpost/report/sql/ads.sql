-- What the platform claims, by ad and currency, beside the ad's spend. Spend that is only known
-- by ad set or campaign stands in a row of that level. A claim that
-- came with the spend stands before what the receiver credits: never both.
WITH claimed AS (
    SELECT COALESCE(x.campaign_id, '') AS campaign_id, COALESCE(x.adset_id, '') AS adset_id,
        COALESCE(x.ad_id, '') AS ad_id, x.currency, MAX_BY(x.account_id, x.moment) AS account_id,
        MAX_BY(x.campaign, x.moment) AS campaign, MAX_BY(x.adset, x.moment) AS adset,
        MAX_BY(x.ad, x.moment) AS ad, COUNT(*) AS conversions,
        CAST(SUM(x.value_minor) AS BIGINT) AS value_minor,
        COUNT(CASE WHEN x.window_name = '1d_click' THEN 1 END) AS click_1d,
        COUNT(CASE WHEN x.window_name = '7d_click' THEN 1 END) AS click_7d,
        COUNT(CASE WHEN x.window_name = '28d_click' THEN 1 END) AS click_28d,
        COUNT(CASE WHEN x.window_name = '1d_engage' THEN 1 END) AS engage_1d,
        COUNT(CASE WHEN x.window_name = '1d_view' THEN 1 END) AS view_1d
    FROM claims x
    GROUP BY COALESCE(x.campaign_id, ''), COALESCE(x.adset_id, ''), COALESCE(x.ad_id, ''),
        x.currency
),
spent AS (
    SELECT COALESCE(campaign_id, '') AS campaign_id, adset_id, ad_id, currency,
        MAX_BY(account_id, day) AS account_id,
        MAX_BY(campaign, day) AS campaign, MAX_BY(adset, day) AS adset, MAX_BY(ad, day) AS ad,
        CAST(SUM(spend_minor) AS BIGINT) AS spend_minor,
        CAST(SUM(impressions) AS BIGINT) AS impressions, CAST(SUM(clicks) AS BIGINT) AS clicks,
        CAST(SUM(claims_micro) AS BIGINT) AS claims_micro,
        CAST(SUM(claims_minor) AS BIGINT) AS claims_minor
    FROM expenses
    WHERE LOWER(platform) IN ('meta', 'facebook') OR claims_micro IS NOT NULL
    GROUP BY COALESCE(campaign_id, ''), adset_id, ad_id, currency
)
SELECT
    NULLIF(COALESCE(c.campaign_id, s.campaign_id), '') AS campaign_id,
    NULLIF(COALESCE(c.adset_id, s.adset_id), '') AS adset_id,
    NULLIF(COALESCE(c.ad_id, s.ad_id), '') AS ad_id,
    COALESCE(c.account_id, s.account_id) AS account_id,
    COALESCE(c.campaign, s.campaign) AS campaign, COALESCE(c.adset, s.adset) AS adset,
    COALESCE(c.ad, s.ad) AS ad, COALESCE(c.currency, s.currency) AS currency,
    COALESCE(s.claims_micro, 1000000 * c.conversions, 0) AS claimed_micro,
    COALESCE(s.claims_minor, c.value_minor, 0) AS value_minor,
    COALESCE(s.spend_minor, 0) AS spend_minor, COALESCE(s.impressions, 0) AS impressions,
    COALESCE(s.clicks, 0) AS clicks,
    COALESCE(c.click_1d, 0) AS click_1d, COALESCE(c.click_7d, 0) AS click_7d,
    COALESCE(c.click_28d, 0) AS click_28d, COALESCE(c.engage_1d, 0) AS engage_1d,
    COALESCE(c.view_1d, 0) AS view_1d
FROM claimed c
FULL OUTER JOIN spent s
    ON s.campaign_id = c.campaign_id AND s.adset_id = c.adset_id AND s.ad_id = c.ad_id
    AND s.currency = c.currency
ORDER BY value_minor DESC, spend_minor DESC, campaign_id, adset_id, ad_id, currency

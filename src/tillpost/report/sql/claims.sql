-- What the receiver credits to ads in the period, in the currency of their shop's reports where
-- the shop is known, and a rate of the day.
SELECT c.event_id, c.order_id, c.campaign_id, c.adset_id, c.ad_id, c.account_id, c.campaign,
    c.shop, c.adset, c.ad, c.window_name, exchanged(c.value_minor, e.factor) AS value_minor,
    COALESCE(e.into_currency, c.currency) AS currency, c.moment, c.touch_at
FROM conversions c
CROSS JOIN params p
LEFT JOIN reported_in r ON r.shop = c.shop
LEFT JOIN exchange e
    ON e.currency = c.currency AND e.into_currency = r.currency
    AND e.number = div_whole(c.moment, 86400)
WHERE c.moment >= p.start AND c.moment < p.stop

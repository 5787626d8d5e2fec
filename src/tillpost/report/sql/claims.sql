-- What the receiver credits to ads in the period, in the currency of the reports where there is
-- one and a rate is known.
SELECT c.event_id, c.order_id, c.campaign_id, c.adset_id, c.ad_id, c.account_id, c.campaign,
    c.adset, c.ad, c.window_name, exchanged(c.value_minor, e.factor) AS value_minor,
    COALESCE(e.into_currency, c.currency) AS currency, c.moment, c.touch_at
FROM conversions c
CROSS JOIN params p
LEFT JOIN (
    SELECT MIN(currency) AS currency FROM reported_in HAVING MIN(currency) = MAX(currency)
) r ON 1 = 1
LEFT JOIN exchange e
    ON e.currency = c.currency AND e.into_currency = r.currency
    AND e.number = div_whole(c.moment, 86400)
WHERE c.moment >= p.start AND c.moment < p.stop

-- The days of which a report needs a rate: between what money was told in, and the currency of
-- its shop's reports.
SELECT DISTINCT currency, into_currency, day, number
FROM (
    SELECT x.currency, r.currency AS into_currency, x.day, number_of(x.day) AS number
    FROM spend x
    JOIN reported_in r ON r.shop = x.shop
    UNION ALL
    SELECT o.currency, r.currency, day_of(o.moment), div_whole(o.moment, 86400)
    FROM orders o
    JOIN reported_in r ON r.shop = o.shop
    WHERE o.currency <> r.currency
    UNION ALL
    SELECT c.currency, r.currency, day_of(c.moment), div_whole(c.moment, 86400)
    FROM conversions c
    JOIN reported_in r ON r.shop = c.shop
    WHERE c.currency <> r.currency
) needed
WHERE currency <> into_currency
ORDER BY currency, into_currency, number

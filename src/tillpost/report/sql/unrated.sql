-- Money of the period that stands apart because no rate turns it into the reports' currency.
SELECT what, currency, into_currency, CAST(SUM(minor) AS BIGINT) AS minor,
    COUNT(DISTINCT day) AS days, MIN(day) AS first_day, MAX(day) AS last_day
FROM (
    SELECT 'spend' AS what, x.currency, r.currency AS into_currency, x.day,
        number_of(x.day) AS number, x.spend_minor AS minor
    FROM spend x
    CROSS JOIN params p
    JOIN reported_in r ON r.shop = x.shop
    WHERE x.day >= p.first_day AND x.day <= p.last_day AND (p.shop IS NULL OR x.shop = p.shop)
    UNION ALL
    SELECT 'orders', o.currency, r.currency, day_of(o.moment), div_whole(o.moment, 86400),
        o.value_minor
    FROM orders o
    CROSS JOIN params p
    JOIN reported_in r ON r.shop = o.shop
    WHERE o.eligible = 1 AND o.moment >= p.start AND o.moment < p.stop
        AND (p.shop IS NULL OR o.shop = p.shop) AND o.currency <> r.currency
    UNION ALL
    SELECT 'claims', c.currency, r.currency, day_of(c.moment), div_whole(c.moment, 86400),
        c.value_minor
    FROM conversions c
    CROSS JOIN params p
    JOIN reported_in r ON r.shop = c.shop
    WHERE c.moment >= p.start AND c.moment < p.stop AND c.currency <> r.currency
) told
WHERE currency <> into_currency AND NOT EXISTS (
    SELECT 1 FROM exchange e
    WHERE e.currency = told.currency AND e.into_currency = told.into_currency
        AND e.number = told.number
)
GROUP BY what, currency, into_currency
ORDER BY what, currency, into_currency

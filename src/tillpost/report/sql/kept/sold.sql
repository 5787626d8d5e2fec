-- Every order that counts, as a roll-up keeps it: its day, its money, and what a refund on a day
-- of its own is turned by. `seen` is 1 if any visitor of it is known.
WITH given_back AS (
    SELECT shop, order_id, currency, SUM(amount_minor) AS minor
    FROM refunds
    GROUP BY shop, order_id, currency
)
SELECT s.sale, s.shop, d.day, s.order_id, s.moment, s.currency, s.is_returning, s.value_minor,
    s.refunded_minor, o.currency AS told_currency, o.cancelled_at, e.factor,
    exchanged(CAST(COALESCE(g.minor, 0) AS BIGINT), e.factor) AS dated,
    CASE WHEN v.sale IS NULL THEN 0 ELSE 1 END AS seen
FROM sales s
JOIN days d ON d.sale = s.sale
JOIN orders o ON o.seq = s.sale
LEFT JOIN reported_in i ON i.shop = o.shop
LEFT JOIN exchange e
    ON e.currency = o.currency AND e.into_currency = i.currency
    AND e.number = div_whole(o.moment, 86400)
LEFT JOIN given_back g
    ON g.shop = o.shop AND g.order_id = o.order_id AND g.currency = o.currency
LEFT JOIN (SELECT DISTINCT sale FROM order_visitors) v ON v.sale = s.sale
ORDER BY s.moment

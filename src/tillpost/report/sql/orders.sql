-- One row an order: what brought it (the touch with the largest credit, of equals the latest),
-- who saw it, whether the platform knew the person, and what was given back.
WITH main AS (
    SELECT credits.*,
        ROW_NUMBER() OVER (PARTITION BY shop, order_id ORDER BY share DESC, n DESC) AS place
    FROM credits
)
SELECT o.shop, o.order_id, o.name, o.moment, o.kind, o.value_minor, o.currency,
    c.channel, c.source, c.medium, c.campaign, c.campaign_id, c.adset_id, c.ad_id,
    o.browser, o.server, COALESCE(m.matched, 0) AS matched, s.refunded_minor,
    CASE WHEN o.cancelled_at IS NULL THEN 0 ELSE 1 END AS cancelled, o.is_returning
FROM sales s
JOIN orders o ON o.shop = s.shop AND o.order_id = s.order_id
LEFT JOIN main c ON c.shop = s.shop AND c.order_id = s.order_id AND c.place = 1
LEFT JOIN (SELECT order_id, MAX(matched) AS matched FROM matches GROUP BY order_id) m
    ON m.order_id = o.order_id
WHERE s.orders > 0
ORDER BY o.moment, o.shop, o.order_id

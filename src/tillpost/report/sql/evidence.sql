-- One row an order of the period, also one that is not counted: what each side saw of it, how far
-- it came on its way to the platform, and what it was credited to, here and there. Where an order
-- goes to several destinations, its way is that to the platform whose claims are held.
WITH way AS (
    SELECT d.shop, d.order_id, d.state, d.reason,
        ROW_NUMBER() OVER (
            PARTITION BY d.shop, d.order_id
            ORDER BY CASE WHEN d.destination LIKE 'meta:%' THEN 0 ELSE 1 END, d.destination
        ) AS place
    FROM deliveries d
),
credited AS (
    SELECT order_id, MAX_BY(window_name, moment) AS window_name,
        MAX_BY(campaign_id, moment) AS campaign_id
    FROM conversions
    GROUP BY order_id
)
SELECT o.shop, o.order_id, o.name, o.moment, o.kind, o.eligible, o.reason,
    CASE WHEN o.cancelled_at IS NULL THEN 0 ELSE 1 END AS cancelled,
    COALESCE(s.value_minor, o.value_minor) AS value_minor,
    COALESCE(s.refunded_minor, 0) AS refunded_minor,
    COALESCE(s.currency, o.currency) AS currency,
    o.browser, o.server, w.state, w.reason AS why,
    CASE WHEN m.order_id IS NULL THEN 0 ELSE 1 END AS received,
    COALESCE(m.matched, 0) AS matched,
    COALESCE(g.browser_copies, 0) AS browser_copies,
    COALESCE(g.server_copies, 0) AS server_copies, COALESCE(g.absorbed, 0) AS absorbed,
    x.window_name, x.campaign_id AS claimed_campaign_id,
    b.channel, b.source, b.medium, k.campaign_id, b.campaign, b.adset_id, b.ad_id,
    j.source AS journey_source, j.medium AS journey_medium, j.campaign AS journey_campaign,
    j.visits AS journey_visits
FROM orders o
CROSS JOIN params p
LEFT JOIN sales s ON s.sale = o.seq
LEFT JOIN mains c ON c.sale = o.seq
LEFT JOIN labels b ON b.label = c.label
LEFT JOIN label_keys k ON k.label = c.label
LEFT JOIN way w ON w.shop = o.shop AND w.order_id = o.order_id AND w.place = 1
LEFT JOIN credited x ON x.order_id = o.order_id
LEFT JOIN sightings g ON g.order_id = o.order_id
LEFT JOIN shop_journeys j ON j.shop = o.shop AND j.order_id = o.order_id
LEFT JOIN (SELECT order_id, MAX(matched) AS matched FROM matches GROUP BY order_id) m
    ON m.order_id = o.order_id
WHERE o.moment >= p.start AND o.moment < p.stop AND (p.shop IS NULL OR o.shop = p.shop)
ORDER BY o.moment, o.shop, o.order_id

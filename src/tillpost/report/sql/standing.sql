-- One row a listed order: who saw it, how far it came on its way to the platform, and what it was
-- credited to, here and there. Where an order goes to several destinations, its way is that to the
-- platform whose claims are held.
WITH way AS (
    SELECT d.shop, d.order_id, d.state, d.reason,
        ROW_NUMBER() OVER (
            PARTITION BY d.shop, d.order_id
            ORDER BY CASE WHEN d.destination LIKE 'meta:%' THEN 0 ELSE 1 END, d.destination
        ) AS place
    FROM deliveries d
    JOIN listed o ON o.shop = d.shop AND o.order_id = d.order_id
),
credited AS (
    SELECT order_id, MAX_BY(window_name, moment) AS window_name,
        MAX_BY(campaign_id, moment) AS campaign_id
    FROM conversions
    WHERE order_id IN (SELECT order_id FROM listed)
    GROUP BY order_id
),
known AS (
    SELECT order_id, MAX(matched) AS matched
    FROM matches
    WHERE order_id IN (SELECT order_id FROM listed)
    GROUP BY order_id
)
SELECT o.shop, o.order_id, o.name, o.moment, o.kind, o.eligible, o.reason,
    CASE WHEN o.cancelled_at IS NULL THEN 0 ELSE 1 END AS cancelled,
    COALESCE(s.value_minor, o.value_minor) AS value_minor,
    COALESCE(s.refunded_minor, 0) AS refunded_minor,
    CASE
        WHEN s.value_minor > 0 AND s.value_minor <= s.refunded_minor THEN 1 ELSE 0
    END AS given_back,
    COALESCE(s.currency, o.currency) AS currency,
    o.browser, o.server, w.state, w.reason AS why,
    CASE WHEN m.order_id IS NULL THEN 0 ELSE 1 END AS received,
    COALESCE(m.matched, 0) AS matched,
    x.window_name, x.campaign_id AS claimed_campaign_id, c.label, c.channel
FROM listed o
LEFT JOIN sales s ON s.sale = o.seq
LEFT JOIN (
    SELECT n.sale, n.label, b.channel FROM mains n JOIN labels b ON b.label = n.label
) c ON c.sale = o.seq
LEFT JOIN way w ON w.shop = o.shop AND w.order_id = o.order_id AND w.place = 1
LEFT JOIN credited x ON x.order_id = o.order_id
LEFT JOIN known m ON m.order_id = o.order_id

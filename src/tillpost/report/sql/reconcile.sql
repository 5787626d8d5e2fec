-- One row a listed order, with the first reason why platform and shop differ about it.
WITH claims AS (
    SELECT order_id, MAX(window_name) AS window_name, MAX_BY(campaign_id, moment) AS campaign_id
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
SELECT o.shop, o.order_id, o.name, o.moment,
    COALESCE(s.value_minor, o.value_minor) AS value_minor,
    COALESCE(s.currency, o.currency) AS currency, o.browser, o.server,
    COALESCE(m.matched, 0) AS matched, x.window_name, x.campaign_id AS claimed_campaign_id,
    b.channel, b.campaign_id, o.eligible, o.reason, s.refunded_minor,
    CASE
        WHEN o.eligible = 0 THEN 'ORDER_TYPE_EXCLUDED'
        WHEN o.cancelled_at IS NOT NULL OR s.refunded_minor >= s.value_minor THEN 'REFUNDED'
        WHEN x.order_id IS NULL AND m.order_id IS NULL THEN 'NOT_RECEIVED'
        WHEN x.order_id IS NULL AND m.matched = 0 THEN 'UNMATCHED_IDENTITY'
        WHEN x.order_id IS NULL AND b.channel = 'Paid Social' THEN 'OUT_OF_WINDOW'
        WHEN x.order_id IS NULL THEN 'AGREED_NOT_THE_PLATFORMS'
        WHEN x.window_name = '1d_view' AND b.channel <> 'Paid Social' THEN 'VIEW_ONLY'
        WHEN b.channel = 'Unknown' THEN 'NO_TOUCH'
        WHEN b.channel <> 'Paid Social' THEN 'OTHER_CHANNEL_LAST'
        ELSE 'AGREED'
    END AS reason_code
FROM listed o
LEFT JOIN sales s ON s.sale = o.seq
LEFT JOIN (
    SELECT w.sale, b.channel, k.campaign_id
    FROM mains w
    JOIN labels b ON b.label = w.label
    LEFT JOIN label_keys k ON k.label = w.label
) b ON b.sale = o.seq
LEFT JOIN claims x ON x.order_id = o.order_id
LEFT JOIN known m ON m.order_id = o.order_id
ORDER BY o.moment, o.shop, o.order_id

-- Each order's touches in the window, `n` of `steps`, the oldest first.
-- The landing page that an order carries has no time of its own; it counts only where none
-- of its visitors' own touches says what brought them.
WITH near AS (
    SELECT s.shop, s.order_id, v.carried, t.*, s.moment AS order_at
    FROM sales s
    CROSS JOIN params p
    JOIN order_visitors v ON v.shop = s.shop AND v.order_id = s.order_id
    JOIN (SELECT shop AS touch_shop, visitor_id, id AS touch_id, moment, channel, source, medium,
            campaign, campaign_id, adset_id, ad_id, direct, paid FROM touches) t
        ON t.touch_shop = v.shop AND t.visitor_id = v.visitor_id
        AND t.moment <= s.moment AND (p.window_seconds IS NULL OR s.moment - t.moment <= p.window_seconds)
),
told AS (
    SELECT near.*,
        COUNT(CASE WHEN carried = 0 THEN 1 END) OVER (PARTITION BY shop, order_id) AS own,
        COUNT(CASE WHEN carried = 0 AND direct = 0 THEN 1 END)
            OVER (PARTITION BY shop, order_id) AS own_indirect
    FROM near
)
SELECT told.*,
    ROW_NUMBER() OVER (PARTITION BY shop, order_id ORDER BY moment, touch_id) AS n,
    COUNT(*) OVER (PARTITION BY shop, order_id) AS steps,
    MAX(moment) OVER (PARTITION BY shop, order_id) AS last_at
FROM told
WHERE carried = 0 OR own = 0 OR (direct = 0 AND own_indirect = 0)

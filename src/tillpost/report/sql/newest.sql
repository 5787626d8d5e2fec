-- The orders of a place and a kind of buyer, the newest first.
SELECT s.order_id
FROM sales s
CROSS JOIN chosen x
LEFT JOIN mains c ON c.sale = s.sale
LEFT JOIN labels b ON b.label = c.label
LEFT JOIN label_keys k ON k.label = c.label
WHERE s.orders > 0
    AND (s.moment < x.moment OR (s.moment = x.moment AND s.order_id < x.order_id))
    AND (x.is_returning IS NULL OR s.is_returning = x.is_returning)
    AND (x.channel IS NULL OR b.channel = x.channel)
    AND (x.campaign_key IS NULL OR k.campaign_key = x.campaign_key)
    AND (x.adset_id IS NULL OR COALESCE(b.adset_id, '') = x.adset_id)
    AND (x.ad_id IS NULL OR COALESCE(b.ad_id, '') = x.ad_id)
ORDER BY s.moment DESC, s.order_id DESC

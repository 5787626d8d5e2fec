-- One row an order: what brought it, who saw it, whether the platform knew the person, and what was given back.
SELECT o.shop, o.order_id, o.name, o.moment, o.kind, s.value_minor, s.currency,
    o.value_minor AS told_minor, o.currency AS told_currency,
    b.channel, b.source, b.medium, b.campaign, b.campaign_id, b.adset_id, b.ad_id,
    k.campaign_key,
    o.browser, o.server, COALESCE(m.matched, 0) AS matched, s.refunded_minor,
    CASE WHEN o.cancelled_at IS NULL THEN 0 ELSE 1 END AS cancelled, s.is_returning
FROM sales s
JOIN orders o ON o.seq = s.sale
LEFT JOIN mains c ON c.sale = s.sale
LEFT JOIN labels b ON b.label = c.label
LEFT JOIN label_keys k ON k.label = c.label
LEFT JOIN known_buyers m ON m.sale = s.sale
WHERE s.orders > 0
ORDER BY o.moment, o.shop, o.order_id

-- The orders of the period, also those that are not counted, in the order in which lists have them.
SELECT o.seq, o.shop, o.order_id, o.name, o.moment, o.kind, o.eligible, o.reason, o.cancelled_at,
    o.value_minor, o.currency, o.browser, o.server
FROM orders o
CROSS JOIN params p
WHERE o.moment >= p.start AND o.moment < p.stop AND (p.shop IS NULL OR o.shop = p.shop)
ORDER BY o.moment, o.shop, o.order_id

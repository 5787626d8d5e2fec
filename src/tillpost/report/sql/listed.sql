-- The orders of the period, also those that are not counted.
SELECT o.seq, o.shop, o.order_id, o.name, o.moment, o.kind, o.eligible, o.reason, o.cancelled_at,
    o.value_minor, o.currency, o.browser, o.server, o.refunded_minor AS told_refunded,
    o.presentment_currency, o.presentment_minor, o.subtotal_minor, o.tax_minor, o.shipping_minor
FROM orders o
CROSS JOIN params p
WHERE o.moment >= p.start AND o.moment < p.stop AND (p.shop IS NULL OR o.shop = p.shop)

-- The orders of the period that no destination counts, or ever will, each with that destination.
WITH lines AS (SELECT DISTINCT shop, destination FROM deliveries)
SELECT o.shop, o.order_id, o.name, o.moment, o.value_minor, o.currency, l.destination, d.state,
    d.reason
FROM orders o
CROSS JOIN params p
JOIN lines l ON l.shop = o.shop
LEFT JOIN deliveries d
    ON d.shop = o.shop AND d.order_id = o.order_id AND d.destination = l.destination
WHERE o.moment >= p.start AND o.moment < p.stop AND (p.shop IS NULL OR o.shop = p.shop)
    AND (d.state IS NULL OR (d.state IN ('dead', 'expired') AND COALESCE(d.reason, '') <> 'shadow'))
ORDER BY o.shop, o.order_id, l.destination

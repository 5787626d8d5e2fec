-- The orders with a reason, and of a kind of buyer, the newest first.
SELECT r.order_id
FROM reconcile r
CROSS JOIN chosen x
LEFT JOIN sales s ON s.sale = r.sale
WHERE r.reason_code = x.reason
    AND (r.moment < x.moment OR (r.moment = x.moment AND r.order_id < x.order_id))
    AND (x.is_returning IS NULL OR s.is_returning = x.is_returning)
ORDER BY r.moment DESC, r.order_id DESC

-- Whose first order each was: `is_returning` is 1 if the shop's customer, or the hashed e-mail, had
-- an earlier order that counts, or if the shop itself says so; NULL if nobody can be named.
WITH named AS (
    SELECT o.seq AS sale, o.shop, o.moment, o.customer_id, o.is_returning,
        CASE WHEN o.eligible = 1 AND o.cancelled_at IS NULL THEN 1 ELSE 0 END AS counts,
        k.value AS em
    FROM orders o
    LEFT JOIN order_keys k ON k.shop = o.shop AND k.order_id = o.order_id AND k.kind = 'em'
),
by_id AS (
    SELECT shop, customer_id, MIN(moment) AS moment FROM named
    WHERE counts = 1 AND customer_id IS NOT NULL GROUP BY shop, customer_id
),
by_em AS (
    SELECT shop, em, MIN(moment) AS moment FROM named
    WHERE counts = 1 AND em IS NOT NULL GROUP BY shop, em
)
SELECT n.sale, MAX(CASE
    WHEN i.moment < n.moment OR e.moment < n.moment OR n.is_returning = 1 THEN 1
    WHEN n.customer_id IS NULL AND n.em IS NULL THEN n.is_returning
    ELSE 0
END) AS is_returning
FROM named n
LEFT JOIN by_id i ON i.shop = n.shop AND i.customer_id = n.customer_id
LEFT JOIN by_em e ON e.shop = n.shop AND e.em = n.em
GROUP BY n.sale

-- Customers by the month of their first order: how many, and what they have spent by the end of
-- each month since. A customer is the shop's own; orders without one are not counted.
WITH bought AS (
    SELECT o.shop, o.customer_id, s.currency, s.minor,
        month_of(o.moment) AS month,
        MIN(month_of(o.moment)) OVER (PARTITION BY o.shop, o.customer_id) AS cohort
    FROM sales s
    JOIN orders o ON o.seq = s.sale
    WHERE o.customer_id IS NOT NULL AND s.orders > 0 AND o.cancelled_at IS NULL
),
sizes AS (
    SELECT cohort, currency, COUNT(DISTINCT shop || ' ' || customer_id) AS customers
    FROM bought
    GROUP BY cohort, currency
),
months AS (
    SELECT cohort, currency, month - cohort AS month, COUNT(*) AS orders,
        COUNT(DISTINCT shop || ' ' || customer_id) AS active,
        CAST(SUM(minor) AS BIGINT) AS minor
    FROM bought
    GROUP BY cohort, currency, month - cohort
)
SELECT m.cohort, m.currency, m.month, z.customers, m.orders, m.active, m.minor,
    CAST(SUM(m.minor) OVER (PARTITION BY m.cohort, m.currency ORDER BY m.month) AS BIGINT)
        AS total_minor
FROM months m
JOIN sizes z ON z.cohort = m.cohort AND z.currency = m.currency
ORDER BY m.cohort, m.currency, m.month

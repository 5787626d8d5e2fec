-- What the models need to know of a journey as a whole.
SELECT j.sale, s.moment, s.minor, s.orders, COUNT(*) AS steps, MIN(j.age) AS youngest,
    MIN(CASE WHEN j.direct = 0 THEN j.back END) AS last_indirect,
    MIN(CASE WHEN j.paid = 1 THEN j.back END) AS last_paid
FROM journeys j
JOIN sales s ON s.sale = j.sale
GROUP BY j.sale, s.moment, s.minor, s.orders

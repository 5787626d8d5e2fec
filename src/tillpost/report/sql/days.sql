-- The day of each order, in its shop's time zone.
SELECT s.sale, day_of(s.moment + z.seconds) AS day
FROM sales s
JOIN zones z ON z.shop = s.shop AND s.moment >= z.since AND s.moment < z.until

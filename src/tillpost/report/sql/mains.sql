-- What brought each order: the touch with the largest credit, of equals the latest.
SELECT sale, label, moment
FROM (
    SELECT c.sale, c.label, c.moment,
        ROW_NUMBER() OVER (PARTITION BY c.sale ORDER BY c.share DESC, c.back) AS place
    FROM credits c
) ranked
WHERE place = 1

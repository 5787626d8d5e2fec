-- How many orders of the period have each reason why platform and shop differ.
SELECT reason_code, COUNT(*) AS orders
FROM reconcile
GROUP BY reason_code

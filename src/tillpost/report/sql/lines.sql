-- The destinations that each shop sends to.
SELECT DISTINCT shop, destination FROM deliveries ORDER BY shop, destination

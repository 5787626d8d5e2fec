-- Every credit with its order: what the models say, to the unit.
SELECT c.model, s.shop, s.order_id, c.touch_id, c.moment, c.minor, c.share, s.currency
FROM credits c
JOIN sales s ON s.sale = c.sale
ORDER BY c.model, s.shop, s.order_id, c.moment, c.touch_id

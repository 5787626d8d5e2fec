-- When each visitor was last known to buy, of the orders at hand.
SELECT shop, visitor_id, MAX(moment) AS moment
FROM order_visitors
GROUP BY shop, visitor_id

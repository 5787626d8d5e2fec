-- Every credit with its order and window: what the models say, to the unit.
SELECT c.model, w.window_name, s.shop, s.order_id, c.touch_id, c.moment, c.minor, c.share,
    s.currency
FROM credits c
JOIN sales s ON s.sale = c.sale
JOIN windows w ON w.number >= c.first_window AND w.number <= c.last_window
ORDER BY c.model, w.number, s.shop, s.order_id, c.moment, c.touch_id

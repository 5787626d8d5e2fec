-- Whether the platform knew the buyer of a sale, by what came for a dataset that the shop sends to.
SELECT s.sale, MAX(m.matched) AS matched
FROM sales s
JOIN senders d ON d.shop = s.shop
JOIN matches m ON m.dataset_id = d.dataset_id AND m.order_id = s.order_id
GROUP BY s.sale

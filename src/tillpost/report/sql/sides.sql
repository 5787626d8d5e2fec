-- What each side saw of the listed orders, in the order of the list.
SELECT e.*, COALESCE(g.browser_copies, 0) AS browser_copies,
    COALESCE(g.server_copies, 0) AS server_copies, COALESCE(g.absorbed, 0) AS absorbed,
    b.source, b.medium, k.campaign_id, b.campaign, b.adset_id, b.ad_id,
    j.source AS journey_source, j.medium AS journey_medium, j.campaign AS journey_campaign,
    j.visits AS journey_visits
FROM reconcile e
LEFT JOIN labels b ON b.label = e.label
LEFT JOIN label_keys k ON k.label = e.label
LEFT JOIN (
    SELECT o.seq AS sale, CAST(SUM(y.browser_copies) AS BIGINT) AS browser_copies,
        CAST(SUM(y.server_copies) AS BIGINT) AS server_copies,
        CAST(SUM(y.absorbed) AS BIGINT) AS absorbed
    FROM listed o
    JOIN senders d ON d.shop = o.shop
    JOIN sightings y ON y.dataset_id = d.dataset_id AND y.order_id = o.order_id
    GROUP BY o.seq
) g ON g.sale = e.sale
LEFT JOIN shop_journeys j ON j.shop = e.shop AND j.order_id = e.order_id
ORDER BY e.moment, e.shop, e.order_id

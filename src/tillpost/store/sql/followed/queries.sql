-- What has changed, of what a roll-up keeps of each order besides its facts.

-- name: gateway_state
-- The last move of an event, the last change of an order, and the first that the log still holds.
SELECT IFNULL((SELECT MAX(id) FROM transitions), 0), last,
    IFNULL((SELECT MIN(seq) FROM fresh), last + 1)
FROM (SELECT IFNULL((SELECT seq FROM sqlite_sequence WHERE name = 'fresh'), 0) AS last);

-- name: costs
SELECT shop, product, cost_minor, currency FROM product_costs ORDER BY shop, product;

-- name: changed_orders
SELECT shop, a FROM fresh WHERE seq > :changes AND grain = 'order'
UNION
SELECT e.shop, e.order_id
FROM (SELECT DISTINCT event FROM transitions WHERE id > :moves) AS t
JOIN events AS e ON e.id = t.event
WHERE e.order_id IS NOT NULL;

-- name: deliveries
SELECT e.shop, e.order_id, d.destination, d.state, d.reason
FROM json_each(?) AS w
CROSS JOIN events AS e ON e.order_id = w.value ->> 1 AND e.shop = w.value ->> 0
CROSS JOIN outbox AS d ON d.event = e.id
WHERE e.event_name = 'Purchase' AND NOT EXISTS (
    SELECT 1 FROM events AS n JOIN outbox AS m ON m.event = n.id AND m.destination = d.destination
    WHERE n.order_id = e.order_id AND n.id > e.id AND n.shop = e.shop AND n.event_name = 'Purchase'
);

-- name: shop_journeys
SELECT shop, order_id,
    COALESCE(told ->> '$.last.utm_source', told ->> '$.last.source') AS source,
    told ->> '$.last.utm_medium' AS medium, told ->> '$.last.utm_campaign' AS campaign,
    told ->> '$.visits' AS visits
FROM (
    SELECT o.shop, o.order_id, CASE
            WHEN json_valid(CAST(o.fact AS TEXT))
                THEN json_extract(CAST(o.fact AS TEXT), '$.journey')
        END AS told
    FROM json_each(?) AS w
    CROSS JOIN orders AS o ON o.shop = w.value ->> 0 AND o.order_id = w.value ->> 1
    WHERE instr(o.fact, CAST('"journey":' AS BLOB)) > 0
)
WHERE told IS NOT NULL;

-- name: order_costs
WITH lines AS (
    SELECT o.shop, o.order_id, IFNULL(i.value ->> '$.quantity', 1) AS quantity,
        COALESCE(
            (SELECT product FROM product_costs WHERE shop = o.shop AND product = i.value ->> '$.sku'),
            (
                SELECT product FROM product_costs
                WHERE shop = o.shop AND product = i.value ->> '$.variant_id'
            ),
            (
                SELECT product FROM product_costs
                WHERE shop = o.shop AND product = i.value ->> '$.product_id'
            )
        ) AS product
    FROM json_each(?) AS w
    CROSS JOIN orders AS o ON o.shop = w.value ->> 0 AND o.order_id = w.value ->> 1
    CROSS JOIN json_each(
        CASE WHEN json_valid(CAST(o.fact AS TEXT)) THEN CAST(o.fact AS TEXT) END, '$.items'
    ) AS i
    WHERE EXISTS (SELECT 1 FROM product_costs)
)
SELECT l.shop, l.order_id, MIN(c.currency) AS currency,
    SUM(l.quantity * c.cost_minor) AS goods_minor,
    SUM(c.product IS NULL) + (MIN(c.currency) <> MAX(c.currency)) AS pieces_unknown
FROM lines AS l
LEFT JOIN product_costs AS c ON c.shop = l.shop AND c.product = l.product
GROUP BY l.shop, l.order_id
HAVING COUNT(c.product) > 0;

-- name: receiver_state
SELECT IFNULL(MAX(seq), 0), COUNT(*) FROM event;

-- name: newer
SELECT COUNT(*) FROM event WHERE seq > ?;

-- name: names
SELECT kind, id, name FROM name WHERE kind IN ('campaign', 'adset', 'ad') ORDER BY kind, id;

-- name: touched
-- What has been settled since, and all that it has to do with: its twins, and theirs.
WITH RECURSIVE touched (seq) AS (
    SELECT seq FROM event WHERE seq > ?
    UNION
    SELECT e.twin FROM touched AS t CROSS JOIN event AS e ON e.seq = t.seq WHERE e.twin IS NOT NULL
    UNION
    SELECT e.seq FROM touched AS t CROSS JOIN event AS e ON e.twin = t.seq
)
SELECT t.seq, e.order_id FROM touched AS t JOIN event AS e ON e.seq = t.seq;

-- name: matches
SELECT dataset_id, order_id, max(joint IS NOT NULL AND NOT joint_merged) AS matched
FROM event WHERE order_id IN (SELECT value FROM json_each(?)) GROUP BY order_id, dataset_id;

-- name: sightings
WITH asked AS MATERIALIZED (SELECT value AS order_id FROM json_each(?)),
roots AS MATERIALIZED (
    SELECT DISTINCT IFNULL(twin, seq) AS root FROM event
    WHERE event_name = 'Purchase' AND order_id IN (SELECT order_id FROM asked)
),
copies AS (
    SELECT r.root, e.dataset_id, e.order_id, e.source
    FROM roots AS r CROSS JOIN event AS e ON e.seq = r.root
    WHERE e.event_name = 'Purchase' AND e.twin IS NULL
    UNION ALL
    SELECT r.root, e.dataset_id, e.order_id, e.source
    FROM roots AS r CROSS JOIN event AS e ON e.twin = r.root
    WHERE e.event_name = 'Purchase'
)
SELECT dataset_id, order_id, SUM(browser) AS browser_copies, SUM(server) AS server_copies,
    SUM(absorbed) AS absorbed
FROM (
    SELECT MAX(dataset_id) AS dataset_id, MAX(order_id) AS order_id, SUM(source = 2) AS browser,
        SUM(source = 1) AS server, COUNT(*) - 1 AS absorbed
    FROM copies GROUP BY root
)
WHERE order_id IN (SELECT order_id FROM asked) GROUP BY order_id, dataset_id;

-- name: conversions
SELECT e.event_id, e.order_id, a.campaign_id, a.adset_id, a.ad_id, a.account_id,
    nc.name AS campaign, ns.name AS adset, na.name AS ad, c.window,
    IFNULL(e.value, 0) AS value_minor, e.currency, e.event_time AS at, c.touched_at AS touch_at,
    e.dataset_id, e.seq
FROM json_each(?) AS w
CROSS JOIN conversion AS c ON c.seq = w.value
CROSS JOIN event AS e ON e.seq = c.seq
JOIN ad AS a ON a.ad = c.ad
LEFT JOIN name AS nc ON nc.kind = 'campaign' AND nc.id = a.campaign_id
LEFT JOIN name AS ns ON ns.kind = 'adset' AND ns.id = a.adset_id
LEFT JOIN name AS na ON na.kind = 'ad' AND na.id = a.ad_id
WHERE e.event_name = 'Purchase';

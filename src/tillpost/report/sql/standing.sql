-- One row a listed order: who saw it, how far it came on its way to the platform, and what it was
-- credited to, here and there. Where an order goes to several destinations, its way is that to the
-- platform whose claims are held. Where the platform counts it more than once, what it says is
-- what it said first, and `doubles` are the others. What the receiver got for a dataset is of
-- the orders of those shops alone that send to it. `claimed_basis` is what the platform's value
-- is of the order's money, if it is any that is known here. The receiver's days are those of UTC.
WITH way AS (
    SELECT o.seq AS sale, d.state, d.reason,
        ROW_NUMBER() OVER (
            PARTITION BY o.seq
            ORDER BY CASE WHEN d.destination LIKE 'meta:%' THEN 0 ELSE 1 END,
                CASE WHEN d.state = 'delivered' THEN 0 ELSE 1 END, d.destination
        ) AS place
    FROM deliveries d
    JOIN listed o ON o.shop = d.shop AND o.order_id = d.order_id
),
firsts AS (
    SELECT sale, MIN(seq) AS seq, CAST(SUM(claims) - COUNT(*) AS BIGINT) AS doubles
    FROM (
        SELECT o.seq AS sale, c.dataset_id, MIN(c.seq) AS seq, COUNT(*) AS claims
        FROM listed o
        JOIN senders d ON d.shop = o.shop
        JOIN conversions c ON c.dataset_id = d.dataset_id AND c.order_id = o.order_id
        GROUP BY o.seq, c.dataset_id
    ) each_dataset
    GROUP BY sale
),
known AS (
    SELECT o.seq AS sale, MAX(m.matched) AS matched
    FROM listed o
    JOIN senders d ON d.shop = o.shop
    JOIN matches m ON m.dataset_id = d.dataset_id AND m.order_id = o.order_id
    GROUP BY o.seq
),
spans AS (
    SELECT z.shop, z.since, z.until, z.seconds
    FROM zones z
    CROSS JOIN (SELECT MIN(moment) AS low, MAX(moment) AS high FROM listed) e
    WHERE z.since <= e.high AND z.until > e.low
),
sides_of AS (
    SELECT b.label, b.channel,
        CASE WHEN b.channel = 'Paid Social' AND n.source IS NULL THEN 1 ELSE 0 END AS by_platform
    FROM labels b
    LEFT JOIN other_networks n ON n.source = b.source
),
claimed AS (
    SELECT o.seq AS sale, f.doubles, c.window_name, c.campaign_id, c.value_minor, c.currency,
        c.moment,
        CASE
            WHEN c.currency = o.currency AND c.value_minor = o.value_minor THEN 'total'
            WHEN c.currency = o.currency AND c.value_minor = o.value_minor - o.told_refunded
                THEN 'less_refunds'
            WHEN c.currency <> o.presentment_currency THEN NULL
            WHEN c.value_minor = o.presentment_minor THEN 'total'
            WHEN c.value_minor = o.presentment_minor - o.tax_minor THEN 'less_tax'
            WHEN c.value_minor = o.presentment_minor - o.shipping_minor THEN 'less_shipping'
            WHEN c.value_minor = o.presentment_minor - o.tax_minor - o.shipping_minor
                THEN 'less_tax_and_shipping'
            WHEN c.value_minor = o.subtotal_minor AND c.value_minor > 0 THEN 'subtotal'
        END AS basis,
        div_whole(c.moment, 86400) - div_whole(o.moment + COALESCE(z.seconds, 0), 86400) AS days,
        div_whole(c.moment + COALESCE(z.seconds, 0), 86400)
            - div_whole(o.moment + COALESCE(z.seconds, 0), 86400) AS own_days
    FROM firsts f
    JOIN conversions c ON c.seq = f.seq
    JOIN listed o ON o.seq = f.sale
    LEFT JOIN spans z ON z.shop = o.shop AND o.moment >= z.since AND o.moment < z.until
)
SELECT o.seq AS sale, o.shop, o.order_id, o.name, o.moment, o.kind, o.eligible, o.reason,
    CASE WHEN o.cancelled_at IS NULL THEN 0 ELSE 1 END AS cancelled,
    COALESCE(s.value_minor, o.value_minor) AS value_minor,
    COALESCE(s.refunded_minor, 0) AS refunded_minor,
    CASE
        WHEN s.value_minor > 0 AND s.value_minor <= s.refunded_minor THEN 1 ELSE 0
    END AS given_back,
    COALESCE(s.currency, o.currency) AS currency,
    o.browser, o.server, w.state, w.reason AS why,
    CASE WHEN m.sale IS NULL THEN 0 ELSE 1 END AS received,
    COALESCE(m.matched, 0) AS matched,
    x.window_name, x.campaign_id AS claimed_campaign_id, x.value_minor AS claimed_minor,
    x.currency AS claimed_currency, x.moment AS claimed_at, x.basis AS claimed_basis,
    COALESCE(x.doubles, 0) AS doubles, x.days, x.own_days, c.label, c.channel,
    COALESCE(c.by_platform, 0) AS by_platform,
    o.moment - c.moment AS age
FROM listed o
LEFT JOIN sales s ON s.sale = o.seq
LEFT JOIN (
    SELECT n.sale, n.label, n.moment, b.channel, b.by_platform
    FROM mains n
    JOIN sides_of b ON b.label = n.label
) c ON c.sale = o.seq
LEFT JOIN way w ON w.sale = o.seq AND w.place = 1
LEFT JOIN claimed x ON x.sale = o.seq
LEFT JOIN known m ON m.sale = o.seq

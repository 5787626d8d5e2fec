-- A large shop, made of numbers alone: `{orders}` and so on are filled in by `large_shop.py`.

-- name: made_orders
CREATE TABLE orders AS SELECT i, 'o' || i AS order_id, '#' || i AS name,
        CAST({now} - {span} + i * {span} // {orders} AS BIGINT) AS moment,
        1000 + CAST(hash(i) % 20000 AS BIGINT) AS minor, 'c' || (i % {customers}) AS customer_id,
        i >= {customers} AS is_returning, hash(i, 1) % 10 < 7 AS browser
    FROM range({orders}) t(i);

-- name: made_touches
CREATE TABLE touches AS SELECT n + 1 AS id, 'v' || lpad(i::VARCHAR, 19, '0') AS visitor_id,
        o.moment - 60 - n % 10 * 345600 - CAST(hash(n) % 345600 AS BIGINT) AS moment, label,
        label % 6 AS kind,
        label % 50 AS campaign
    FROM (SELECT n, n * {orders} // {touches} AS i, CAST(hash(n, 2) % 600 AS INT) AS label
        FROM range({touches}) t(n)) JOIN orders o USING (i);

-- name: made_channels
CREATE TABLE channels AS SELECT * FROM (VALUES
        (0, 'Paid Social', 'facebook', 'paid_social'), (1, 'Paid Search', 'google', 'cpc'),
        (2, 'Email', 'newsletter', 'email'), (3, 'Direct', '(direct)', '(none)'),
        (4, 'Organic Search', 'google', 'organic'), (5, 'Referral', 'blog.example', 'referral')
    ) AS t(kind, channel, source, medium);

-- name: facts_orders
SELECT 'demo' AS shop, order_id, name, moment AS "at", 'web' AS kind, 1 AS eligible,
    NULL::VARCHAR AS reason, minor AS value_minor, 'USD' AS currency,
    't' || i AS checkout_token, customer_id, is_returning::BIGINT AS "returning",
    NULL::BIGINT AS cancelled_at, IF(i % 40 = 0, minor // 2, 0) AS refunded_minor,
    browser::BIGINT AS browser, 1 AS server, minor AS presentment_minor,
    'USD' AS presentment_currency, minor AS subtotal_minor, 0 AS tax_minor,
    0 AS shipping_minor FROM orders ORDER BY order_id;

-- name: facts_order_keys
SELECT 'demo' AS shop, order_id, 'checkout' AS kind, 't' || i AS value
    FROM orders ORDER BY order_id;

-- name: facts_refunds
SELECT 'demo' AS shop, 'r' || i AS refund_id, order_id, moment + 86400 AS "at",
    minor // 2 AS amount_minor, 'USD' AS currency FROM orders WHERE i % 40 = 0
    ORDER BY refund_id;

-- name: facts_links
SELECT 'demo' AS shop, 'checkout' AS kind, 't' || i AS value,
    'v' || lpad(i::VARCHAR, 19, '0') AS visitor_id, moment - 60 AS "at" FROM orders ORDER BY value;

-- name: facts_touches
SELECT id, 'demo' AS shop, visitor_id, moment AS "at", source, medium,
    IF(kind < 2, 'Campaign ' || campaign, NULL) AS campaign, NULL::VARCHAR AS term,
    NULL::VARCHAR AS content, IF(kind < 2, 'c' || campaign, NULL) AS campaign_id,
    IF(kind < 2, 's' || (label % 200), NULL) AS adset_id,
    IF(kind < 2, 'a' || label, NULL) AS ad_id, channel, (kind = 3)::BIGINT AS direct,
    (kind < 2)::BIGINT AS paid, NULL::VARCHAR AS click_kind, NULL::VARCHAR AS click_id,
    NULL::VARCHAR AS referrer_host, '/' AS landing_path, {rules} AS rules
    FROM touches JOIN channels USING (kind) ORDER BY id;

-- name: gateway_orders
SELECT 'demo', order_id, moment, name, moment, 'web', 1, NULL, minor, 'USD', minor, 'USD',
    't' || i, customer_id, is_returning::INT, NULL, browser::INT, 1, moment + 1,
    encode(printf('{{"type":"order","order_id":"%s","name":"%s","version":%d,"created_at":%d,'
        || '"processed_at":%d,"kind":"web","topic":"orders/create","value":%s,'
        || '"presentment":%s,"subtotal":%s,"tax":%s,"shipping":%s,"checkout_token":"t%d",'
        || '"customer_id":"%s"}}',
        order_id, name, moment, moment, moment, v, v, v, zero, zero, i, customer_id)), NULL,
    minor, 100, 100, NULL
    FROM (SELECT *, printf('{{"amount":"%.2f","currency":"USD"}}', minor / 100.0) AS v,
        '{{"amount":"1.00","currency":"USD"}}' AS zero FROM orders) ORDER BY order_id;

-- name: gateway_events
SELECT i + 1, 'demo', 'order:' || order_id, 'shopify', 'Purchase',
    'purchase.t' || i, moment, order_id, moment + 1, NULL, encode(printf(
        '{{"shop":"demo","event_name":"Purchase","event_id":"purchase.t%d","event_time":%d,'
        || '"action_source":"website"}}', i, moment)), NULL, NULL FROM orders ORDER BY i;

-- name: gateway_outbox
SELECT i + 1, '{destination}', 'demo',
    CASE WHEN i % 5000 = 7 THEN 'dead' ELSE 'delivered' END,
    CASE WHEN i % 5000 = 7 THEN 'bad_request' END, NULL, 1, moment + 1, NULL, 1, moment + 3, 9e15
    FROM orders ORDER BY i;

-- name: gateway_spend
SELECT 'demo', IF(label % 6 = 0, 'meta', 'google'), 'act_1',
    strftime(make_timestamp(({now} - d * 86400) * 1000000), '%Y-%m-%d'), 'c' || (label % 50),
    'Campaign ' || (label % 50), 's' || (label % 200), 'Set ' || (label % 200), 'a' || label,
    'Ad ' || label, 'USD', 500 + CAST(hash(label, d) % 2000 AS BIGINT), 900, 30, NULL, NULL
    FROM range(600) a(label), range({days}) b(d) WHERE label % 6 < 2;

-- name: receiver_event
SELECT 2 * i + 1 + b AS seq, '{dataset}', 1 + b, 'Purchase', 'purchase.t' || i, moment,
    moment + 3 + b, moment + 3, 'website', minor, 'USD', order_id, NULL, 3, '', ''::BLOB, ''::BLOB,
    IF(b = 1, 2 * i + 1, NULL), 0, p, IF(p IS NULL, '', 'em'), IF(p IS NULL, 0, 0.9)::DOUBLE, 0, p,
    IF(p IS NULL, '', 'em'), IF(p IS NULL, 0, 0.9)::DOUBLE, 0, IF(p IS NULL, 'unknown', NULL), NULL, 38,
    IF(b = 1, 'event_id', NULL)
    FROM (SELECT *, IF(hash(i, 3) % 100 < 62, i % {customers} + 1, NULL) AS p FROM orders),
        range(2) t(b) WHERE b = 0 OR browser ORDER BY seq;

-- name: receiver_person
SELECT n + 1, 'p' || n, ''::BLOB FROM range({customers}) t(n);

-- name: receiver_ad
SELECT n + 1, 'act_1', 'c' || (n * 6 % 50), 's' || (n * 6 % 200), 'a' || (n * 6)
    FROM range(100) t(n);

-- name: receiver_conversion
SELECT 2 * i + 1, IF(i % 3 = 0, '1d_view', '7d_click'), IF(i % 3 = 0, 4, 1),
    moment - 3600, 1 + i % 100 FROM orders WHERE hash(i, 3) % 100 < 25 ORDER BY i;

-- name: receiver_series
SELECT '{dataset}', 'Purchase';

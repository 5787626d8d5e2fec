-- What each touch earns of its order under the model: `minor` of the money, `share` of the
-- order in millionths. The rules are those of core/attribution.py, to the unit.
-- An order without a touch is Direct if its visitor was seen at all, else Unknown.
WITH picked AS (
    SELECT j.*, s.minor AS total, s.orders, s.currency, p.model,
        MAX(CASE WHEN j.direct = 0 THEN j.n END) OVER (PARTITION BY j.shop, j.order_id)
            AS last_indirect,
        MAX(CASE WHEN j.paid = 1 THEN j.n END) OVER (PARTITION BY j.shop, j.order_id)
            AS last_paid,
        MAX(j.n) OVER (PARTITION BY j.shop, j.order_id, CASE p.label
            WHEN 'channel' THEN j.channel
            ELSE COALESCE(j.campaign_id, LOWER(j.campaign), '') END) AS last_of_label
    FROM journeys j
    JOIN sales s ON s.shop = j.shop AND s.order_id = j.order_id
    CROSS JOIN params p
),
weighted AS (
    SELECT picked.*,
        CAST(CASE model
            WHEN 'first' THEN CASE WHEN n = 1 THEN 1 ELSE 0 END
            WHEN 'last' THEN CASE WHEN n = steps THEN 1 ELSE 0 END
            WHEN 'last_non_direct'
                THEN CASE WHEN n = COALESCE(last_indirect, steps) THEN 1 ELSE 0 END
            WHEN 'last_paid'
                THEN CASE WHEN n = COALESCE(last_paid, last_indirect, steps) THEN 1 ELSE 0 END
            WHEN 'linear' THEN 1
            WHEN 'position' THEN CASE
                WHEN steps < 3 THEN 1
                WHEN n = 1 OR n = steps THEN 2 * (steps - 2)
                ELSE 1 END
            WHEN 'time_decay'
                THEN FLOOR(POWER(2.0, (moment - last_at) / 604800.0) * 4294967296 + 0.5)
            WHEN 'participation' THEN CASE WHEN n = last_of_label THEN 1 ELSE 0 END
        END AS BIGINT) AS weight
    FROM picked
),
scaled AS (
    SELECT weighted.*,
        CASE model WHEN 'participation' THEN 1
            ELSE SUM(weight) OVER (PARTITION BY shop, order_id) END AS whole
    FROM weighted
),
rounded AS (
    SELECT scaled.*,
        div_whole(wide(ABS(total)) * wide(weight), wide(whole)) AS money_part,
        mod_whole(wide(ABS(total)) * wide(weight), wide(whole)) AS money_lost,
        div_whole(wide(1000000) * wide(weight), wide(whole)) AS share_part,
        mod_whole(wide(1000000) * wide(weight), wide(whole)) AS share_lost
    FROM scaled
),
ranked AS (
    SELECT rounded.*,
        ROW_NUMBER() OVER (PARTITION BY shop, order_id ORDER BY money_lost DESC, n DESC)
            AS money_rank,
        ABS(total) - SUM(money_part) OVER (PARTITION BY shop, order_id) AS money_left,
        ROW_NUMBER() OVER (PARTITION BY shop, order_id ORDER BY share_lost DESC, n DESC)
            AS share_rank,
        1000000 - SUM(share_part) OVER (PARTITION BY shop, order_id) AS share_left
    FROM rounded
)
SELECT shop, order_id, touch_id, moment, n, channel, source, medium, campaign, campaign_id, adset_id,
    ad_id, direct, paid, currency, orders,
    CAST(SIGN(total) * (money_part + CASE WHEN money_rank <= money_left THEN 1 ELSE 0 END)
        AS BIGINT) AS minor,
    CAST(share_part + CASE WHEN share_rank <= share_left THEN 1 ELSE 0 END AS BIGINT) AS share
FROM ranked
WHERE weight > 0
UNION ALL
SELECT s.shop, s.order_id, NULL, s.moment, 1,
    CASE WHEN v.order_id IS NULL THEN 'Unknown' ELSE 'Direct' END,
    CASE WHEN v.order_id IS NULL THEN NULL ELSE '(direct)' END,
    CASE WHEN v.order_id IS NULL THEN NULL ELSE '(none)' END,
    NULL, NULL, NULL, NULL, CASE WHEN v.order_id IS NULL THEN 0 ELSE 1 END, 0,
    s.currency, s.orders, s.minor, 1000000
FROM sales s
LEFT JOIN (SELECT DISTINCT shop, order_id FROM order_visitors WHERE carried = 0) v
    ON v.shop = s.shop AND v.order_id = s.order_id
LEFT JOIN (SELECT DISTINCT shop, order_id FROM journeys) j
    ON j.shop = s.shop AND j.order_id = s.order_id
WHERE j.order_id IS NULL

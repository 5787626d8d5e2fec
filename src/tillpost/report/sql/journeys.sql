-- Each order's touches in the longest window that is asked for; `back` counts from the latest,
-- which is 1, and `age` is in seconds before the order. Shorter windows see the first of them.
-- An order that carries a landing page has two journeys: `2 sale + 1` with it, for the windows
-- in which it counts, and `2 sale` without. `weight` is that of time decay: 2^32 for the latest
-- touch, half for each week older. `indirects` and `paids` count the touches of their kind from
-- the latest to this one.
WITH reach AS (SELECT MAX(seconds) AS seconds FROM windows),
own AS (
    SELECT v.sale, t.id AS touch_id, v.moment - t.moment AS age, t.direct, t.paid, t.label
    FROM order_visitors v
    CROSS JOIN reach r
    JOIN touches t ON t.shop = v.shop AND t.visitor_id = v.visitor_id
        AND t.moment <= v.moment AND v.moment - t.moment <= r.seconds
),
near AS (
    SELECT 2 * o.sale AS journey, o.touch_id, o.age, o.direct, o.paid, o.label
    FROM own o
    LEFT JOIN carried c ON c.sale = o.sale
    WHERE c.sale IS NULL OR c.displaced IS NOT NULL
    UNION ALL
    SELECT 2 * o.sale + 1, o.touch_id, o.age, o.direct, o.paid, o.label
    FROM own o
    JOIN carried c ON c.sale = o.sale AND (c.displaced IS NULL OR o.age < c.displaced)
    UNION ALL
    SELECT 2 * c.sale + 1, c.touch_id, c.age, c.direct, c.paid, c.label
    FROM carried c
    CROSS JOIN reach r
    WHERE c.age <= r.seconds
),
numbered AS (
    SELECT journey, touch_id, age, direct, paid, label,
        ROW_NUMBER() OVER (PARTITION BY journey ORDER BY age, touch_id DESC) AS back,
        LEAD(age) OVER (PARTITION BY journey ORDER BY age, touch_id DESC) AS next_age,
        MIN(age) OVER (
            PARTITION BY journey ORDER BY age, touch_id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS youngest,
        SUM(1 - direct) OVER (
            PARTITION BY journey ORDER BY age, touch_id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS indirects,
        SUM(paid) OVER (
            PARTITION BY journey ORDER BY age, touch_id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS paids
    FROM near
)
SELECT journey, touch_id, age, next_age, CAST(direct AS INTEGER) AS direct,
    CAST(paid AS INTEGER) AS paid, CAST(label AS INTEGER) AS label, CAST(back AS INTEGER) AS back,
    CAST(indirects AS INTEGER) AS indirects, CAST(paids AS INTEGER) AS paids,
    CAST(FLOOR(
        POWER(CAST(2 AS DOUBLE), CAST(youngest - age AS DOUBLE) / 604800) * 4294967296
            + CAST(0.5 AS DOUBLE)
    ) AS BIGINT) AS weight
FROM numbered

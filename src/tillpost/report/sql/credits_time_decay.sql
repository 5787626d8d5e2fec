-- A touch a week older than the latest weighs half; weights are whole numbers, the latest's is
-- 2^32. The odd units go to the touches that lost most, of equals to the latest.
WITH weighted AS (
    SELECT j.sale, j.touch_id, j.label, j.back, b.moment - j.age AS moment, b.minor, b.orders,
        CAST(FLOOR(POWER(2.0, (b.youngest - j.age) / 604800.0) * 4294967296 + 0.5) AS BIGINT)
            AS weight
    FROM journeys j
    JOIN bounds b ON b.sale = j.sale
),
scaled AS (
    SELECT weighted.*, CAST(SUM(weight) OVER (PARTITION BY sale) AS BIGINT) AS whole FROM weighted
),
rounded AS (
    SELECT scaled.*,
        part_of(ABS(minor), weight, whole) AS money_part,
        lost_of(ABS(minor), weight, whole) AS money_lost,
        part_of(1000000 * orders, weight, whole) AS share_part,
        lost_of(1000000 * orders, weight, whole) AS share_lost
    FROM scaled
),
ranked AS (
    SELECT rounded.*,
        ROW_NUMBER() OVER (PARTITION BY sale ORDER BY money_lost DESC, back) AS money_rank,
        SUM(money_part) OVER (PARTITION BY sale) AS money_given,
        ROW_NUMBER() OVER (PARTITION BY sale ORDER BY share_lost DESC, back) AS share_rank,
        SUM(share_part) OVER (PARTITION BY sale) AS share_given
    FROM rounded
)
SELECT 'time_decay' AS model, sale, touch_id, label, back, moment,
    SIGN(minor) * (money_part + CASE WHEN money_rank <= ABS(minor) - money_given THEN 1 ELSE 0 END)
        AS minor,
    share_part + CASE WHEN share_rank <= 1000000 * orders - share_given THEN 1 ELSE 0 END AS share
FROM ranked

-- 40/20/40: of `steps` touches the ends weigh 2(steps-2) and each between them 1, so that all
-- weigh 5(steps-2); one or two touches weigh the same. What rounding down loses goes to the
-- touches that lost most, of equals to the latest: the ends have lost `*_end`, the others `*_mid`.
WITH parts AS (
    SELECT b.sale, b.moment, b.steps, SIGN(b.minor) AS sign, ABS(b.minor) AS total,
        1000000 * b.orders AS whole, b.steps - 2 AS between_ends,
        div_whole(2 * ABS(b.minor), 5) AS money_end_part,
        mod_whole(2 * ABS(b.minor), 5) * (b.steps - 2) AS money_end,
        div_whole(ABS(b.minor), 5 * (b.steps - 2)) AS money_mid_part,
        mod_whole(ABS(b.minor), 5 * (b.steps - 2)) AS money_mid,
        div_whole(2000000 * b.orders, 5) AS share_end_part,
        mod_whole(2000000 * b.orders, 5) * (b.steps - 2) AS share_end,
        div_whole(1000000 * b.orders, 5 * (b.steps - 2)) AS share_mid_part,
        mod_whole(1000000 * b.orders, 5 * (b.steps - 2)) AS share_mid
    FROM bounds b
    WHERE b.steps > 2
),
ranked AS (
    SELECT p.*, j.touch_id, j.label, j.back, j.age,
        p.total - 2 * p.money_end_part - p.between_ends * p.money_mid_part AS money_left,
        p.whole - 2 * p.share_end_part - p.between_ends * p.share_mid_part AS share_left,
        CASE WHEN j.back = 1 OR j.back = p.steps THEN 1 ELSE 0 END AS is_end,
        CASE WHEN j.back = 1 THEN 1 ELSE 2 END AS end_rank
    FROM parts p
    JOIN journeys j ON j.sale = p.sale
)
SELECT 'position' AS model, sale, touch_id, label, back, moment - age AS moment,
    sign * (CASE is_end WHEN 1 THEN money_end_part ELSE money_mid_part END
        + CASE WHEN CASE
            WHEN money_end = money_mid THEN back
            WHEN money_end > money_mid THEN CASE is_end WHEN 1 THEN end_rank ELSE back + 1 END
            ELSE CASE is_end WHEN 1 THEN between_ends + end_rank ELSE back - 1 END
        END <= money_left THEN 1 ELSE 0 END) AS minor,
    CASE is_end WHEN 1 THEN share_end_part ELSE share_mid_part END
        + CASE WHEN CASE
            WHEN share_end = share_mid THEN back
            WHEN share_end > share_mid THEN CASE is_end WHEN 1 THEN end_rank ELSE back + 1 END
            ELSE CASE is_end WHEN 1 THEN between_ends + end_rank ELSE back - 1 END
        END <= share_left THEN 1 ELSE 0 END AS share
FROM ranked
UNION ALL
SELECT 'position', j.sale, j.touch_id, j.label, j.back, b.moment - j.age,
    SIGN(b.minor) * (div_whole(ABS(b.minor), b.steps)
        + CASE WHEN j.back <= mod_whole(ABS(b.minor), b.steps) THEN 1 ELSE 0 END),
    div_whole(1000000 * b.orders, b.steps)
        + CASE WHEN j.back <= mod_whole(1000000 * b.orders, b.steps) THEN 1 ELSE 0 END
FROM journeys j
JOIN bounds b ON b.sale = j.sale
WHERE b.steps <= 2

-- What each touch earns under the models that need no ranking, side by side; NULL is not chosen.
-- The odd units go to the touches that lost most, of equals to the latest. Linear: equal parts.
-- Position, 40/20/40: of `steps` touches the ends weigh 2(steps-2) and each between them 1, so
-- that all weigh 5(steps-2); one or two touches weigh the same. Rounding down has cost the ends
-- `*_end` and the others `*_mid`.
WITH sums AS (
    SELECT b.*, CASE WHEN b.minor < 0 THEN -1 ELSE 1 END AS sign, ABS(b.minor) AS total, 1000000 * b.orders AS parts,
        CASE WHEN b.steps > 2 THEN b.steps - 2 END AS between_ends
    FROM bounds b
),
split AS (
    SELECT sums.*,
        div_whole(total, steps) AS money_each, mod_whole(total, steps) AS money_odd,
        div_whole(parts, steps) AS share_each, mod_whole(parts, steps) AS share_odd,
        div_whole(2 * total, 5) AS money_end_part,
        mod_whole(2 * total, 5) * between_ends AS money_end,
        div_whole(total, 5 * between_ends) AS money_mid_part,
        mod_whole(total, 5 * between_ends) AS money_mid,
        div_whole(2 * parts, 5) AS share_end_part,
        mod_whole(2 * parts, 5) * between_ends AS share_end,
        div_whole(parts, 5 * between_ends) AS share_mid_part,
        mod_whole(parts, 5 * between_ends) AS share_mid
    FROM sums
),
left_over AS (
    SELECT split.*,
        total - 2 * money_end_part - between_ends * money_mid_part AS money_left,
        parts - 2 * share_end_part - between_ends * share_mid_part AS share_left
    FROM split
),
credited AS (
    SELECT b.sale, b.first_window, b.last_window, b.steps, b.minor, b.parts, b.sign,
        b.between_ends, b.money_each, b.money_odd, b.share_each, b.share_odd, b.money_end_part,
        b.money_mid_part, b.money_end, b.money_mid, b.money_left, b.share_end_part,
        b.share_mid_part, b.share_end, b.share_mid, b.share_left, j.touch_id, j.label, j.back, b.moment - j.age AS touched,
        CASE WHEN j.back = 1 OR j.back = b.steps THEN 1 ELSE 0 END AS is_end,
        CASE WHEN j.back = 1 THEN 1 ELSE 2 END AS end_rank,
        CASE
            WHEN b.indirects = 0 THEN j.back = 1
            ELSE j.direct = 0 AND j.indirects = 1
        END AS is_last_indirect,
        CASE
            WHEN b.paids > 0 THEN j.paid = 1 AND j.paids = 1
            WHEN b.indirects > 0 THEN j.direct = 0 AND j.indirects = 1
            ELSE j.back = 1
        END AS is_last_paid
    FROM left_over b
    JOIN journeys j ON j.journey = b.journey AND j.back <= b.steps
    CROSS JOIN params p
    WHERE p.basis = 'cash' OR (b.moment - j.age >= p.start AND b.moment - j.age < p.stop)
)
SELECT sale, first_window, last_window, touch_id, label, back, touched AS moment,
    CASE WHEN back = steps THEN minor END AS first_minor,
    CASE WHEN back = steps THEN parts END AS first_share,
    CASE WHEN back = 1 THEN minor END AS last_minor,
    CASE WHEN back = 1 THEN parts END AS last_share,
    CASE WHEN is_last_indirect THEN minor END AS last_non_direct_minor,
    CASE WHEN is_last_indirect THEN parts END AS last_non_direct_share,
    CASE WHEN is_last_paid THEN minor END AS last_paid_minor,
    CASE WHEN is_last_paid THEN parts END AS last_paid_share,
    sign * (money_each + CASE WHEN back <= money_odd THEN 1 ELSE 0 END) AS linear_minor,
    share_each + CASE WHEN back <= share_odd THEN 1 ELSE 0 END AS linear_share,
    sign * CASE WHEN between_ends IS NULL
        THEN money_each + CASE WHEN back <= money_odd THEN 1 ELSE 0 END
        ELSE CASE is_end WHEN 1 THEN money_end_part ELSE money_mid_part END
            + CASE WHEN CASE
                WHEN money_end = money_mid THEN back
                WHEN money_end > money_mid THEN CASE is_end WHEN 1 THEN end_rank ELSE back + 1 END
                ELSE CASE is_end WHEN 1 THEN between_ends + end_rank ELSE back - 1 END
            END <= money_left THEN 1 ELSE 0 END
    END AS position_minor,
    CASE WHEN between_ends IS NULL
        THEN share_each + CASE WHEN back <= share_odd THEN 1 ELSE 0 END
        ELSE CASE is_end WHEN 1 THEN share_end_part ELSE share_mid_part END
            + CASE WHEN CASE
                WHEN share_end = share_mid THEN back
                WHEN share_end > share_mid THEN CASE is_end WHEN 1 THEN end_rank ELSE back + 1 END
                ELSE CASE is_end WHEN 1 THEN between_ends + end_rank ELSE back - 1 END
            END <= share_left THEN 1 ELSE 0 END
    END AS position_share
FROM credited

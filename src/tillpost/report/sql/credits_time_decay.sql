-- A touch a week older than the latest weighs half; weights are whole numbers. The odd units go
-- to the touches that lost most, of equals to the latest.
WITH wholes AS (
    SELECT b.journey, b.steps, CAST(SUM(j.weight) AS BIGINT) AS whole
    FROM bounds b
    JOIN journeys j ON j.journey = b.journey AND j.back <= b.steps
    GROUP BY b.journey, b.steps
),
rounded AS (
    SELECT b.sale, b.journey, b.steps, b.first_window, b.last_window, b.minor, b.orders,
        j.touch_id, j.label, j.back, b.moment - j.age AS moment,
        part_of(ABS(b.minor), j.weight, w.whole) AS money_part,
        lost_of(ABS(b.minor), j.weight, w.whole) AS money_lost,
        part_of(1000000 * b.orders, j.weight, w.whole) AS share_part,
        lost_of(1000000 * b.orders, j.weight, w.whole) AS share_lost
    FROM bounds b
    JOIN wholes w ON w.journey = b.journey AND w.steps = b.steps
    JOIN journeys j ON j.journey = b.journey AND j.back <= b.steps
),
ranked AS (
    SELECT rounded.*,
        ROW_NUMBER() OVER (PARTITION BY journey, steps ORDER BY money_lost DESC, back)
            AS money_rank,
        SUM(money_part) OVER (PARTITION BY journey, steps) AS money_given,
        ROW_NUMBER() OVER (PARTITION BY journey, steps ORDER BY share_lost DESC, back)
            AS share_rank,
        SUM(share_part) OVER (PARTITION BY journey, steps) AS share_given
    FROM rounded
)
SELECT r.sale, r.first_window, r.last_window, r.touch_id, r.label, r.back, r.moment,
    CASE WHEN r.minor < 0 THEN -1 ELSE 1 END * (
        r.money_part + CASE WHEN r.money_rank <= ABS(r.minor) - r.money_given THEN 1 ELSE 0 END
    ) AS time_decay_minor,
    r.share_part + CASE WHEN r.share_rank <= 1000000 * r.orders - r.share_given THEN 1 ELSE 0 END
        AS time_decay_share
FROM ranked r
CROSS JOIN params p
WHERE p.basis = 'cash' OR (r.moment >= p.start AND r.moment < p.stop)

-- Equal parts; the odd units go to the latest touches.
SELECT 'linear' AS model, j.sale, j.touch_id, j.label, j.back, b.moment - j.age AS moment,
    SIGN(b.minor) * (div_whole(ABS(b.minor), b.steps)
        + CASE WHEN j.back <= mod_whole(ABS(b.minor), b.steps) THEN 1 ELSE 0 END) AS minor,
    div_whole(1000000 * b.orders, b.steps)
        + CASE WHEN j.back <= mod_whole(1000000 * b.orders, b.steps) THEN 1 ELSE 0 END AS share
FROM journeys j
JOIN bounds b ON b.sale = j.sale

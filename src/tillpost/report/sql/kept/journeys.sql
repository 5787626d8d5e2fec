-- As `journeys`, of the journeys that a roll-up keeps. `indirects` and `paids` are 1 at the latest
-- touch of their kind, and more at others.
SELECT journey, CAST(NULL AS BIGINT) AS touch_id, age, CAST(NULL AS BIGINT) AS next_age,
    CAST(mod_whole(div_whole(code, 2), 2) AS INTEGER) AS direct,
    CAST(mod_whole(code, 2) AS INTEGER) AS paid, CAST(div_whole(code, 4) AS INTEGER) AS label,
    CAST(back AS INTEGER) AS back,
    CASE WHEN back = indirect THEN 1 ELSE 2 END AS indirects,
    CASE WHEN back = first_paid THEN 1 ELSE 2 END AS paids,
    CAST(FLOOR(
        POWER(CAST(2 AS DOUBLE), CAST(youngest - age AS DOUBLE) / 604800) * 4294967296
            + CAST(0.5 AS DOUBLE)
    ) AS BIGINT) AS weight
FROM (
    SELECT journey, indirect, paid AS first_paid, ages[1] AS youngest,
        UNNEST(codes[1:steps]) AS code, UNNEST(ages[1:steps]) AS age, UNNEST(RANGE(1, steps + 1))
            AS back
    FROM within
)

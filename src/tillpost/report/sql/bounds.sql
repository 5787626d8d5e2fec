-- How many steps of a journey each window sees. Windows that see the same are one row, and are
-- counted once: those numbered `first_window` to `last_window`, from the shortest, which is 1.
SELECT seen.*, s.sale, s.moment, s.minor, s.orders
FROM (
    SELECT j.journey, j.back AS steps, MIN(w.number) AS first_window, MAX(w.number) AS last_window,
        MAX(j.indirects) AS indirects, MAX(j.paids) AS paids
    FROM journeys j
    CROSS JOIN windows w
    LEFT JOIN carried c ON c.sale = div_whole(j.journey, 2)
    WHERE w.seconds - j.age >= 0 AND w.seconds - COALESCE(j.next_age, 2000000000000) < 0
        AND CASE
            WHEN mod_whole(j.journey, 2) = 1 THEN c.displaced IS NULL OR w.seconds < c.displaced
            ELSE c.sale IS NULL OR w.seconds >= c.displaced
        END
    GROUP BY j.journey, j.back
) seen
JOIN sales s ON s.sale = div_whole(seen.journey, 2)

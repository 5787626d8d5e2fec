-- Each journey in one row: its touches from the latest on, as four times their label, plus two if
-- direct, plus one if paid; their ages; the place of the first that is not direct, and of the
-- first that is paid; its channels as a word of `letters`, the oldest first. `reach` holds for
-- each window, the shortest first, how many touches it sees; 0 where another journey counts.
WITH counted AS (
    SELECT j.journey, w.number, COUNT(CASE WHEN j.age <= w.seconds THEN 1 END) AS steps
    FROM journeys j
    CROSS JOIN windows w
    GROUP BY j.journey, w.number
),
reached AS (
    SELECT n.journey, LIST(
        CASE
            WHEN mod_whole(n.journey, 2) = 1 AND c.displaced <= w.seconds THEN 0
            WHEN mod_whole(n.journey, 2) = 0 AND w.seconds < c.displaced THEN 0
            ELSE n.steps
        END ORDER BY w.number
    ) AS reach
    FROM counted n
    JOIN windows w ON w.number = n.number
    LEFT JOIN carried c ON c.sale = div_whole(n.journey, 2)
    GROUP BY n.journey
),
told AS (
    SELECT j.journey, LIST(CAST(4 * j.label + 2 * j.direct + j.paid AS BIGINT) ORDER BY j.back)
            AS codes,
        LIST(j.age ORDER BY j.back) AS ages,
        MIN(CASE WHEN j.direct = 0 THEN j.back END) AS indirect,
        MIN(CASE WHEN j.paid = 1 THEN j.back END) AS paid,
        STRING_AGG(r.letter, '' ORDER BY j.back DESC) AS way
    FROM journeys j
    JOIN labels b ON b.label = j.label
    JOIN letters r ON r.channel = b.channel
    GROUP BY j.journey
)
SELECT t.journey, s.sale, s.shop, d.day, s.moment, t.codes, t.ages, t.indirect, t.paid, t.way,
    r.reach
FROM told t
JOIN reached r ON r.journey = t.journey
JOIN sales s ON s.sale = div_whole(t.journey, 2)
JOIN days d ON d.sale = s.sale
ORDER BY s.moment

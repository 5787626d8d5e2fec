-- As `mains`. A model that credits one touch credits this one; of the others it is the latest:
-- nowhere does an earlier touch earn more.
SELECT s.sale, COALESCE(div_whole(k.codes[k.place], 4), s.seen) AS label,
    s.moment - COALESCE(k.ages[k.place], 0) AS moment
FROM sales s
LEFT JOIN (
    SELECT c.sale, c.codes, c.ages, CASE m.model
        WHEN 'first' THEN c.steps
        WHEN 'last_non_direct' THEN CASE WHEN c.indirect <= c.steps THEN c.indirect ELSE 1 END
        WHEN 'last_paid' THEN CASE
            WHEN c.paid <= c.steps THEN c.paid
            WHEN c.indirect <= c.steps THEN c.indirect
            ELSE 1
        END
        ELSE 1
    END AS place
    FROM within c
    CROSS JOIN models m
) k ON k.sale = s.sale

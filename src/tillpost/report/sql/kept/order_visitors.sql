-- The orders of which any visitor is known.
SELECT sale, shop, moment FROM sales WHERE seen = 1

-- Spend by month, counted since year 0 as `month_of` does, and currency.
SELECT CAST(SUBSTR(day, 1, 4) AS BIGINT) * 12 + CAST(SUBSTR(day, 6, 2) AS BIGINT) - 1 AS month,
    currency, CAST(SUM(spend_minor) AS BIGINT) AS spend_minor
FROM expenses
GROUP BY CAST(SUBSTR(day, 1, 4) AS BIGINT) * 12 + CAST(SUBSTR(day, 6, 2) AS BIGINT) - 1, currency

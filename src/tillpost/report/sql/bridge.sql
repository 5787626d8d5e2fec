-- The listed orders by all that decides where on the bridge they end: how many, and their money.
SELECT currency, eligible, reason, cancelled, given_back, state, why, received, matched, window_name,
    reason_code, COUNT(*) AS orders, CAST(SUM(value_minor) AS BIGINT) AS value_minor,
    CAST(SUM(refunded_minor) AS BIGINT) AS refunded_minor
FROM reconcile
GROUP BY currency, eligible, reason, cancelled, given_back, state, why, received, matched,
    window_name, reason_code
